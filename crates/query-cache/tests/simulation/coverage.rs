//! How often what was done.
//!
//! Two steps overlap when both are made in one turn (no task has run in between), or during the life of one
//! fetch, its beginning included.

use std::fmt::Write;

use super::program::Act;
use super::world::Place;

macro_rules! kinds {
    ($($kind:ident $name:literal $pattern:pat),* $(,)?) => {
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum Kind { $($kind),* }

        impl Kind {
            pub const ALL: &[Kind] = &[$(Kind::$kind),*];

            pub fn name(self) -> &'static str {
                match self { $(Kind::$kind => $name),* }
            }
        }

        impl Act {
            pub fn kind(&self) -> Kind {
                match self { $($pattern => Kind::$kind),* }
            }
        }
    };
}

kinds! {
    Mount "mount" Act::Mount(..),
    Unmount "unmount" Act::Unmount(_),
    Follow "key change" Act::Follow(..),
    Write "write" Act::Write(_),
    WriteOld "old write" Act::WriteOld(_),
    Update "update" Act::Update(_),
    UpdateAll "update all" Act::UpdateAll(_),
    SetError "set error" Act::SetError(_),
    Push "push" Act::Push(_),
    PushError "source fails" Act::PushError(_),
    Invalidate "invalidate" Act::Invalidate(..),
    Refetch "refetch" Act::Refetch(_),
    RefetchObserved "observer refetches" Act::RefetchObserved(_),
    RefetchAndWait "refetch and wait" Act::RefetchAndWait(_),
    Ask "ask for" Act::Ask(..),
    LetGo "let go of call" Act::LetGo(_),
    Prefetch "prefetch" Act::Prefetch(_),
    Cancel "cancel" Act::Cancel(_),
    CancelAsFailed "cancel as failed" Act::CancelAsFailed(_),
    Reset "reset" Act::Reset(_),
    Remove "remove" Act::Remove(_),
    Find "find" Act::Find(_),
    Offline "offline" Act::Offline,
    Online "online" Act::Online,
    Blur "blur" Act::Blur,
    Focus "focus" Act::Focus,
    Resume "resume" Act::Resume,
    Alarm "early alarm" Act::Alarm,
    Hold "hold scope" Act::Hold,
    Restore "restore scope" Act::Restore,
    End "end scope" Act::End,
    Handle "take handle" Act::Handle,
    Late "by old handle" Act::Late(..),
    Listen "listen" Act::Listen,
    Deafen "listen no more" Act::Deafen,
    Batch "batch" Act::Batch(..),
    Fail "server fails" Act::Fail(..),
    Slow "server is late for" Act::Slow(_),
    AtOnce "server answers at once" Act::AtOnce(_),
    Lose "server loses" Act::Lose(_),
    Spill "fetch writes more" Act::Spill(_),
    News "server has news" Act::News(_),
    Run "turn ends" Act::Run,
    Pass "time passes" Act::Pass(_),
}

const KINDS: usize = Kind::ALL.len();

/// A set of kinds.
#[derive(Clone, Copy, Default)]
pub struct Kinds(u64);

impl Kinds {
    pub fn add(&mut self, kind: Kind) {
        self.0 |= 1 << kind as u64;
    }

    pub fn join(&mut self, other: Kinds) {
        self.0 |= other.0;
    }
}

pub struct Coverage {
    pub programs: u64,
    steps: [u64; KINDS],
    /// First index: the earlier step.
    pairs: [[u64; KINDS]; KINDS],
    places: [u64; Place::ALL.len()],
}

impl Default for Coverage {
    fn default() -> Self {
        let places = [0; Place::ALL.len()];
        Coverage { programs: 0, steps: [0; KINDS], pairs: [[0; KINDS]; KINDS], places }
    }
}

impl Coverage {
    pub fn step(&mut self, kind: Kind, meets: Kinds) {
        self.steps[kind as usize] += 1;
        for earlier in Kind::ALL.iter().filter(|earlier| meets.0 & (1 << **earlier as u64) != 0) {
            self.pairs[*earlier as usize][kind as usize] += 1;
        }
    }

    pub fn place(&mut self, place: Place) {
        self.places[place as usize] += 1;
    }

    pub fn merge(&mut self, other: &Coverage) {
        fn add(to: &mut [u64], from: &[u64]) {
            to.iter_mut().zip(from).for_each(|(to, from)| *to += from);
        }
        self.programs += other.programs;
        add(&mut self.steps, &other.steps);
        add(&mut self.places, &other.places);
        self.pairs.iter_mut().zip(&other.pairs).for_each(|(to, from)| add(to, from));
    }

    /// What never occurred.
    pub fn missing(&self) -> Vec<String> {
        let steps = Kind::ALL.iter().filter(|kind| self.steps[**kind as usize] == 0);
        let places = Place::ALL.iter().filter(|place| self.places[**place as usize] == 0);
        let pairs =
            Kind::ALL.iter().flat_map(|earlier| Kind::ALL.iter().map(move |later| (*earlier, *later)));
        let pairs = pairs.filter(|(earlier, later)| self.pairs[*earlier as usize][*later as usize] == 0);
        steps
            .map(|kind| kind.name().to_owned())
            .chain(places.map(|place| format!("a call from {}", place.name())))
            .chain(pairs.map(|(earlier, later)| format!("{} overlapped by {}", earlier.name(), later.name())))
            .collect()
    }

    pub fn report(&self) -> String {
        let mut text = String::new();
        let total: u64 = self.steps.iter().sum();
        writeln!(text, "{} programs, {total} steps:", self.programs).unwrap();
        for kind in Kind::ALL {
            let number = *kind as usize;
            writeln!(text, "{number:>4} {:<22} {:>8}", kind.name(), self.steps[number]).unwrap();
        }
        writeln!(text, "calls from user code:").unwrap();
        for place in Place::ALL {
            writeln!(text, "     {:<22} {:>8}", place.name(), self.places[*place as usize]).unwrap();
        }
        writeln!(text, "overlapping pairs (row: the earlier step; column: the later one):").unwrap();
        let columns: String = (0..KINDS).map(|number| format!("{number:>6}")).collect();
        writeln!(text, "    {columns}").unwrap();
        for (number, row) in self.pairs.iter().enumerate() {
            let row: String = row.iter().map(|count| format!("{count:>6}")).collect();
            writeln!(text, "{number:>4}{row}").unwrap();
        }
        text
    }
}
