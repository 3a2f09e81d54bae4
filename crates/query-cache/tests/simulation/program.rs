//! Programs: what can be done, and how a seed makes a list of it.

use std::fmt;

use query_cache::{ErrorClass, QueryFilter, Refetch, Then, seconds};

use super::keys::{FED, FIXED, KEYS, Look, have_prefix_of, key_of, name_of, prefix_of};
use super::rng::Rng;
use super::world::{Place, World, spark};

/// How many observers there can be.
pub const SLOTS: usize = 4;

#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Act {
    Mount(usize, usize, Look),
    Unmount(usize),
    Follow(usize, usize, Look),
    Write(usize),
    /// Data of a while ago.
    WriteOld(usize),
    Update(usize),
    UpdateAll(Target),
    SetError(usize),
    Push(usize),
    PushError(usize),
    Invalidate(Target, Then),
    Refetch(Target),
    RefetchObserved(usize),
    RefetchAndWait(usize),
    Ask(usize, /* any data will do */ bool),
    LetGo(usize),
    Prefetch(usize),
    Cancel(Target),
    CancelAsFailed(Target),
    Reset(Target),
    Remove(Target),
    Find(Target),
    Offline,
    Online,
    Blur,
    Focus,
    Resume,
    Alarm,
    Hold,
    Restore,
    End,
    /// Takes a handle of the scope that is open.
    Handle,
    /// Does something by a handle taken before, whatever has become of its scope.
    Late(usize, usize, LateAct),
    Listen,
    Deafen,
    /// Two writes and an invalidation with the end of a turn between them.
    Batch(usize, usize),
    // What the server will do.
    Fail(usize, ErrorClass, usize),
    Slow(usize),
    AtOnce(usize),
    Lose(usize),
    /// The fetch writes another query, by its own handle.
    Spill(usize),
    News(usize),
    // Nothing but the world going on.
    Run,
    Pass(u64),
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub enum LateAct {
    Write,
    Update,
    Invalidate,
    Remove,
    Ask,
    Observe,
    Prefetch,
}

/// What an act is about.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Target {
    /// By a reference to a query.
    One(usize),
    Exact(usize),
    /// What has the prefix of this key.
    Prefix(usize),
    All,
    Active,
    Stale,
    /// All that a predicate says yes to, which calls the client.
    Judged(usize),
}

impl Target {
    /// The keys it may mean, and whether it means all of them.
    pub fn keys(self) -> (Vec<usize>, bool) {
        match self {
            Target::One(key) | Target::Exact(key) => (vec![key], true),
            Target::Prefix(key) => (have_prefix_of(key).collect(), true),
            Target::All => ((0..KEYS).collect(), true),
            Target::Active | Target::Stale | Target::Judged(_) => ((0..KEYS).collect(), false),
        }
    }

    pub fn filter(self, world: &World) -> QueryFilter {
        match self {
            Target::One(key) => (&world.item(key, Look::PLAIN)).into(),
            Target::Exact(key) => QueryFilter::exact(key_of(key)),
            Target::Prefix(key) => QueryFilter::prefix(prefix_of(key)),
            Target::All => QueryFilter::all(),
            Target::Active => QueryFilter::all().active(),
            Target::Stale => QueryFilter::all().stale(),
            Target::Judged(key) => {
                let (wanted, world) = (key_of(key), world.me());
                QueryFilter::all().matching(move |info| {
                    spark(&world, Place::Predicate);
                    *info.key() == wanted || info.observer_count() > 1
                })
            }
        }
    }

    fn any(rng: &mut Rng) -> Target {
        let key = rng.below(KEYS);
        match rng.below(12) {
            0..6 => Target::One(key),
            6 => Target::Exact(key),
            7 | 8 => Target::Prefix(key),
            9 => Target::All,
            10 => rng.of(&[Target::Active, Target::Stale]),
            _ => Target::Judged(key),
        }
    }
}

/// One act, and how often user code may call the client while it lasts.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Step {
    pub act: Act,
    pub sparks: u32,
    /// What user code then does: the step's own, so that it stays the same when other steps are left out.
    pub seed: u64,
}

#[derive(Clone, Debug)]
pub struct Program {
    pub seed: u64,
    /// The client is dropped with all that is in it, instead of being emptied first.
    pub abrupt: bool,
    pub steps: Vec<Step>,
}

/// At least this many steps.
const LEAST: usize = 60;

impl Program {
    pub fn of_seed(seed: u64) -> Self {
        let mut rng = Rng::new(seed);
        let abrupt = rng.one_in(4);
        let steps = (0..LEAST + rng.below(40)).map(|_| {
            let act = Act::any(&mut rng);
            let sparks = if rng.one_in(3) { 1 + rng.below(4) } else { 0 };
            Step { act, sparks: u32::try_from(sparks).unwrap(), seed: rng.next() }
        });
        Program { seed, abrupt, steps: steps.collect() }
    }
}

impl fmt::Display for Program {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (number, Step { act, sparks, .. }) in self.steps.iter().enumerate() {
            let sparks = if *sparks > 0 { format!("   (+{sparks} from user code)") } else { String::new() };
            writeln!(f, "  {:>3}. {act}{sparks}", number + 1)?;
        }
        f.write_str(if self.abrupt { "       the client is dropped" } else { "       all is let go of" })
    }
}

fn look(rng: &mut Rng) -> Look {
    Look {
        enabled: !rng.one_in(5),
        interval: rng.one_in(6),
        on_mount: rng.of(&[Refetch::WhenStale, Refetch::WhenStale, Refetch::Always, Refetch::No]),
        previous: rng.one_in(3),
        placeholder: rng.one_in(5),
        select: rng.one_in(6),
    }
}

const CLASSES: [ErrorClass; 6] = [
    ErrorClass::RETRYABLE,
    ErrorClass::RETRYABLE,
    ErrorClass::Retryable { after: Some(seconds(3)) },
    ErrorClass::Offline,
    ErrorClass::Unauthorized,
    ErrorClass::Permanent,
];

impl Act {
    fn any(rng: &mut Rng) -> Act {
        let (key, slot) = (rng.below(KEYS), rng.below(SLOTS));
        match rng.below(100) {
            0..15 => Act::Pass(rng.of(&[1, 40, 100, 100, 150, 400, 1_000, 6_000, 11_000, 31_000, 61_000])),
            15..24 => Act::Run,
            24..34 => Act::Mount(slot, key, look(rng)),
            34..38 => Act::Unmount(slot),
            38..43 => Act::Follow(slot, key, look(rng)),
            43..46 => Act::Slow(key),
            46..48 => Act::Fail(key, rng.of(&CLASSES), 1 + rng.below(4)),
            48 => Act::Lose(key),
            49 => Act::AtOnce(key),
            50 => Act::Spill(key),
            51 => Act::News(rng.below(2)),
            52 | 53 => Act::Listen,
            54 => Act::Deafen,
            55 => Act::Batch(key, rng.below(KEYS)),
            56 => Act::Handle,
            _ => Act::of_a_moment(rng, key, slot),
        }
    }

    /// What user code may also do in a callback.
    pub fn of_a_moment(rng: &mut Rng, key: usize, slot: usize) -> Act {
        match rng.below(46) {
            0..3 => Act::Write(key),
            3 => Act::WriteOld(key),
            4 | 5 => Act::Update(key),
            6 => Act::UpdateAll(Target::any(rng)),
            7 => Act::SetError(key),
            8 => Act::Push(FED),
            9 => Act::PushError(FED),
            10..16 => {
                let then = [Then::FetchActive, Then::FetchActive, Then::FetchActive];
                let rare = [Then::FetchInactive, Then::FetchAll, Then::Nothing];
                Act::Invalidate(Target::any(rng), if rng.one_in(3) { rng.of(&rare) } else { rng.of(&then) })
            }
            16 | 17 => Act::Refetch(Target::any(rng)),
            18 => Act::RefetchObserved(slot),
            19 => Act::RefetchAndWait(slot),
            20 | 21 => Act::Ask(key, rng.one_in(4)),
            22 => Act::LetGo(rng.below(4)),
            23 => Act::Prefetch(key),
            24 | 25 => Act::Cancel(Target::any(rng)),
            26 => Act::CancelAsFailed(Target::any(rng)),
            27 => Act::Reset(Target::any(rng)),
            28 => Act::Remove(Target::any(rng)),
            29 => Act::Find(Target::any(rng)),
            30 => Act::Offline,
            31 | 32 => Act::Online,
            33 => Act::Blur,
            34 => Act::Focus,
            35 => Act::Resume,
            36 => Act::Alarm,
            37 => Act::Hold,
            38 => Act::Restore,
            39 => Act::End,
            40 => Act::Unmount(slot),
            41 => Act::Follow(slot, key, look(rng)),
            42 | 43 => {
                let how = [
                    LateAct::Write,
                    LateAct::Write,
                    LateAct::Update,
                    LateAct::Invalidate,
                    LateAct::Remove,
                    LateAct::Ask,
                    LateAct::Observe,
                    LateAct::Prefetch,
                ];
                Act::Late(rng.below(4), key, rng.of(&how))
            }
            44 => Act::Unmount(slot),
            _ => Act::Mount(slot, if rng.one_in(2) { FIXED } else { key }, look(rng)),
        }
    }
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Target::One(key) => f.write_str(&name_of(*key)),
            Target::Exact(key) => write!(f, "exactly {}", name_of(*key)),
            Target::Prefix(key) => write!(f, "{}/*", name_of(*key).split('/').next().unwrap_or_default()),
            Target::All => f.write_str("all"),
            Target::Active => f.write_str("what is active"),
            Target::Stale => f.write_str("what is stale"),
            Target::Judged(key) => write!(f, "what a predicate says yes to (as to {})", name_of(*key)),
        }
    }
}

impl fmt::Display for Look {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let told = [
            (!self.enabled, "disabled"),
            (self.interval, "interval"),
            (self.on_mount == Refetch::Always, "always fetches on mount"),
            (self.on_mount == Refetch::No, "does not fetch on mount"),
            (self.previous, "keeps the previous"),
            (self.placeholder, "placeholder"),
            (self.select, "selects"),
        ];
        let told: Vec<_> = told.iter().filter(|(on, _)| *on).map(|(_, what)| *what).collect();
        if told.is_empty() { Ok(()) } else { write!(f, " [{}]", told.join(", ")) }
    }
}

impl fmt::Display for Act {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kind = self.kind().name();
        match self {
            Act::Mount(slot, key, look) => write!(f, "{kind} {slot} on {}{look}", name_of(*key)),
            Act::Follow(slot, key, look) => write!(f, "{kind}: {slot} to {}{look}", name_of(*key)),
            Act::Invalidate(target, Then::FetchActive) => write!(f, "{kind} {target}"),
            Act::Invalidate(target, then) => write!(f, "{kind} {target} then {then:?}"),
            Act::Refetch(target)
            | Act::Cancel(target)
            | Act::CancelAsFailed(target)
            | Act::Reset(target)
            | Act::Remove(target)
            | Act::UpdateAll(target)
            | Act::Find(target) => write!(f, "{kind}: {target}"),
            Act::Ask(key, any) => {
                write!(f, "{kind} {}{}", name_of(*key), if *any { " (any data)" } else { "" })
            }
            Act::Late(handle, key, how) => write!(f, "{kind} {handle}: {how:?} {}", name_of(*key)),
            Act::Fail(key, class, times) => write!(f, "{kind} {} {class:?} × {times}", name_of(*key)),
            Act::Batch(key, other) => write!(f, "{kind} {} and {}", name_of(*key), name_of(*other)),
            Act::Pass(millis) => write!(f, "{millis} ms pass"),
            Act::Unmount(number) | Act::RefetchObserved(number) | Act::RefetchAndWait(number) => {
                write!(f, "{kind} {number}")
            }
            Act::LetGo(number) => write!(f, "{kind} {number}"),
            Act::Write(key)
            | Act::WriteOld(key)
            | Act::Update(key)
            | Act::SetError(key)
            | Act::Push(key)
            | Act::PushError(key)
            | Act::Prefetch(key)
            | Act::Slow(key)
            | Act::AtOnce(key)
            | Act::Lose(key)
            | Act::Spill(key)
            | Act::News(key) => write!(f, "{kind} {}", name_of(*key)),
            _ => f.write_str(kind),
        }
    }
}
