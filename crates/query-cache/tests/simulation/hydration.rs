//! The cache as JSON: taken out of one client at some moment and put into the same or another one at a later, while
//! fetches, writes and ends of scopes go on. What is there is always the newest of what came, and of whom it is.

mod peer;

use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::time::Duration;

use query_cache::{HydrateError, QueryFilter, Then};

use self::peer::{Data, Held, KEYS, Note, PUBLIC, Peer, Server, Viewer};
use crate::rng::Rng;
use crate::small::{Seen, Simulation, rule, simulate};

const PEERS: usize = 3;

/// Most have a client and a key.
#[derive(Clone, Debug)]
enum Step {
    Watch(usize, usize),
    Unwatch(usize, usize),
    Peek(usize, usize),
    Write(usize, usize),
    Invalidate(usize, usize, Then),
    Refetch(usize, usize),
    Cancel(usize, usize),
    Reset(usize, usize),
    Remove(usize, usize),
    /// The server has other data from now on.
    Change(usize),
    /// One request in so many fails; 0: none does.
    Fails(usize),
    /// Takes all out, or one key.
    Pack(usize, Option<usize>),
    /// Puts in what was taken out so many times ago.
    Unpack(usize, usize),
    /// None of the data that was taken out last decodes.
    Spoil,
    Nonsense(usize),
    /// The page goes, with all that is in its memory, and comes again.
    Reload(usize),
    Enter(usize, Option<&'static str>),
    Hold(usize),
    Restore(usize),
    Pass(u64),
}

/// What was taken out.
struct Parcel {
    json: String,
    name: Option<&'static str>,
    entries: Vec<(usize, Data, bool)>,
}

struct Run {
    server: Rc<Server>,
    skews: [Duration; PEERS],
    peers: Vec<Peer>,
    parcels: Vec<Parcel>,
}

impl Run {
    fn new(seed: u64, seen: &Seen) -> Run {
        let mut rng = Rng::new(seed ^ 0x4d7a);
        let skewed = rng.one_in(3);
        let skew = |_| Duration::from_millis(if skewed { rng.of(&[0, 700, 90_000]) } else { 0 });
        let skews = [0, 1, 2].map(skew);
        let server = Rc::new(Server {
            clock: Cell::new(1),
            elapsed: Cell::default(),
            says: RefCell::new([1; KEYS]),
            fails: Cell::default(),
            rng: RefCell::new(rng),
            people: Cell::default(),
            seen: seen.clone(),
        });
        let peers = (0..PEERS).map(|number| Peer::new(number, &server, skews[number], Some("ada"))).collect();
        Run { server, skews, peers, parcels: Vec::new() }
    }

    fn act(&mut self, step: &Step) {
        let server = self.server.clone();
        match *step {
            Step::Watch(peer, key) => watch(&mut self.peers[peer], key),
            Step::Unwatch(peer, key) => self.peers[peer].viewers[key] = None,
            Step::Peek(peer, key) => {
                let peer = &self.peers[peer];
                peer.client.get_data(&peer.query(key));
                peer.wake(key);
            }
            Step::Write(peer, key) => {
                let peer = &self.peers[peer];
                let note = peer.known.note(key);
                peer.client.set_data(&peer.query(key), note.clone());
                peer.wake(key);
                let data = Data { note: Some(note), at: peer.known.now() };
                peer.model(|model| {
                    let held = model.held[key].get_or_insert_default();
                    (held.awake, held.data) = (true, Some(data));
                    model.written[key] = server.tick();
                });
            }
            Step::Invalidate(peer, key, then) if self.peers[peer].sees(key) => {
                let peer = &self.peers[peer];
                peer.client.invalidate_then(&peer.query(key), then);
                peer.model(|model| {
                    model.held[key].iter_mut().for_each(|held| held.outdated = true);
                    model.invalidated[key] = server.tick();
                });
            }
            Step::Refetch(peer, key) => self.peers[peer].client.refetch(&self.peers[peer].query(key)),
            Step::Cancel(peer, key) => self.peers[peer].client.cancel(&self.peers[peer].query(key)),
            Step::Reset(peer, key) => {
                let peer = &self.peers[peer];
                peer.client.reset(&peer.query(key));
                peer.model(|model| {
                    model.held[key].iter_mut().for_each(|held| (held.data, held.outdated) = (None, false));
                    model.newest[key] = 0;
                });
            }
            Step::Remove(peer, key) => {
                let peer = &self.peers[peer];
                peer.client.remove(&peer.query(key));
                peer.forget(key);
            }
            Step::Invalidate(..) => {}
            Step::Change(key) => server.says.borrow_mut()[key] = server.tick(),
            Step::Fails(in_so_many) => server.fails.set(in_so_many),
            Step::Pack(peer, key) => {
                let parcel = pack(&self.peers[peer], key);
                self.parcels.push(parcel);
            }
            Step::Unpack(peer, ago) => {
                let parcel = self.parcels.len().checked_sub(ago + 1).map(|place| &self.parcels[place]);
                parcel.into_iter().for_each(|parcel| unpack(&self.peers[peer], parcel));
            }
            Step::Spoil => {
                if let Some(parcel) = self.parcels.last_mut() {
                    parcel.json = parcel.json.replace("\"says\"", "\"sais\"");
                    parcel.entries.iter_mut().for_each(|(_, data, _)| data.note = None);
                }
            }
            Step::Nonsense(peer) => {
                let client = &self.peers[peer].client;
                let (none, other) = (client.hydrate("{}"), client.hydrate(r#"{"version":7,"entries":[]}"#));
                let right = matches!(none, Err(HydrateError::NotReadable(_)))
                    && matches!(other, Err(HydrateError::OtherVersion(7)));
                rule(right, "what is none is an error", &(none, other));
            }
            Step::Reload(number) => {
                let name = self.peers[number].name;
                self.peers[number] = Peer::new(number, &server, self.skews[number], name);
            }
            Step::Enter(peer, name) => self.peers[peer].enter(name),
            Step::Hold(peer) => {
                self.peers[peer].hidden = true;
                self.peers[peer].client.hold_scope();
            }
            Step::Restore(peer) => {
                self.peers[peer].hidden = false;
                self.peers[peer].client.restore_scope();
            }
            Step::Pass(millis) => {
                // Nothing happens in one that another does not hear of only later.
                for _ in 0..millis.div_ceil(100).max(1) {
                    let time = Duration::from_millis(millis.min(100));
                    server.elapsed.set(server.elapsed.get() + time);
                    self.peers.iter().for_each(|peer| peer.environment.advance(time));
                }
            }
        }
    }

    fn check(&self) {
        for peer in &self.peers {
            (0..KEYS).for_each(|key| check(peer, key, self.skews == [Duration::ZERO; PEERS]));
            let (found, held) =
                (peer.client.query_count(), peer.model(|model| model.held.iter().flatten().count()));
            rule(found == held, "there are as many queries as came or were asked for", &(found, held));
        }
    }

    /// At the end of a turn.
    fn check_told(&self) {
        for peer in &self.peers {
            let (found, model) = (peer.not_decoded.get(), peer.model(|model| model.not_decoded));
            rule(found == model, "what does not decode is told of, once", &(found, model));
            for viewer in peer.viewers.iter().flatten() {
                let now = viewer.observer.state().data().cloned();
                let told = viewer.told.replace(false);
                let before = viewer.shown.replace(now.clone());
                rule(told || before == now, "who watches is told", &(before, now));
            }
        }
    }

    fn end(&mut self) {
        self.act(&Step::Fails(0));
        for peer in 0..PEERS {
            self.act(&Step::Restore(peer));
            for key in 0..KEYS {
                self.act(&Step::Watch(peer, key));
                self.act(&Step::Invalidate(peer, key, Then::FetchActive));
            }
        }
        self.act(&Step::Pass(5_000));
        self.check();
        for peer in &mut self.peers {
            for key in 0..KEYS {
                let (found, now) = (peer.client.get_data(&peer.query(key)), peer.known.note(key));
                rule(found.as_deref() == Some(&now), "in the end it is what the server has", &(found, now));
            }
            peer.viewers = Default::default();
            peer.environment.advance(Duration::from_secs(6 * 3_600));
            let left = (peer.client.query_count(), peer.environment.task_count());
            rule(left == (0, 0), "nothing is left of what nobody wants", &left);
        }
    }
}

fn watch(peer: &mut Peer, key: usize) {
    let told = Rc::new(Cell::new(true));
    let flag = told.clone();
    let observer = peer.client.observe(peer.query(key), move || flag.set(true));
    peer.wake(key);
    peer.model(|model| model.held[key].get_or_insert_default().awake = true);
    peer.viewers[key] = Some(Viewer { observer, told, shown: RefCell::default() });
}

fn pack(peer: &Peer, only: Option<usize>) -> Parcel {
    let filter = only.map_or_else(QueryFilter::all, |key| (&peer.query(key)).into());
    let out = peer.client.dehydrate(filter);
    let mut skipped = 0;
    let mut entries = Vec::new();
    for key in (0..KEYS).filter(|key| only.is_none_or(|only| only == *key)) {
        let Some(held) = peer.model(|model| model.held[key].clone()) else { continue };
        let query = peer.query(key);
        let leaves = (key == PUBLIC || peer.name.is_some())
            && peer.sees(key)
            && !query.is_secret()
            && (query.opts_in() || !held.awake);
        match held.data.filter(|_| leaves) {
            Some(data) => entries.push((key, data, held.outdated)),
            None => skipped += 1,
        }
    }
    let (found, want) = ((out.written, out.skipped), (entries.len(), skipped));
    rule(found == want, "what is taken out, and what is not, is counted", &(found, want));
    Parcel { json: out.json, name: peer.name, entries }
}

fn unpack(peer: &Peer, parcel: &Parcel) {
    let fetching = |peer: &Peer| peer.client.count(QueryFilter::all().fetching());
    let before = fetching(peer);
    let report = peer.client.hydrate(&parcel.json);
    rule(fetching(peer) == before, "what is put in begins no fetch and ends none", &before);
    let same = parcel.name.is_some() && parcel.name == peer.name;
    // Taken, older, refused, broken.
    let mut want = [0; 4];
    for (key, data, outdated) in &parcel.entries {
        let query = peer.query(*key);
        let data = Data { at: data.at.min(peer.known.now()), note: data.note.clone() };
        let came_to = peer.model(|model| {
            let held = &mut model.held[*key];
            let awake = held.as_ref().is_some_and(|held| held.awake);
            let newer =
                held.as_ref().and_then(|held| held.data.as_ref()).is_none_or(|held| held.at < data.at);
            if !(same || *key == PUBLIC) || query.is_secret() || (awake && !query.opts_in()) {
                return 2;
            }
            if !newer {
                return 1;
            }
            if awake && data.note.is_none() {
                model.not_decoded += 1;
                return 3;
            }
            let held = held.get_or_insert_default();
            if held.outdated && !outdated {
                peer.server.seen.saw("what comes may not know of an invalidation");
            }
            peer.server.seen.saw(match (awake, &held.data) {
                (true, Some(_)) => "newer data takes the place of what is shown",
                (true, None) => "data comes for what is asked for",
                (false, Some(_)) => "newer JSON takes the place of JSON",
                (false, None) => "JSON comes that nobody asks for",
            });
            *held = Held { awake, data: Some(data), outdated: held.outdated || *outdated };
            0
        });
        want[came_to] += 1;
        peer.server.seen.saw(["taken", "older", "refused", "broken"][came_to]);
    }
    let found = report.map(|report| [report.taken, report.older, report.refused, report.broken]);
    rule(found == Ok(want), "it is said what became of each entry", &(found, want));
}

fn check(peer: &Peer, key: usize, one_clock: bool) {
    let query = peer.query(key);
    let infos = peer.client.find(QueryFilter::exact(query_cache::Query::key(&query)));
    let held = peer.model(|model| model.held[key].clone()).filter(|_| peer.sees(key));
    rule(infos.len() == usize::from(held.is_some()), "a key has one entry, or none", &(&infos, &held));
    let Some((info, held)) = infos.first().zip(held) else { return };
    let details = info.snapshot().details::<String>();
    let asleep = info.type_name() == "(JSON)";
    rule(asleep != held.awake, "what nobody asked for is not decoded", &(info, &held));
    let (at, want) =
        (details.updated_at.map(query_cache::Timestamp::as_millis), held.data.as_ref().map(|data| data.at));
    rule(at == want, "data has its own time, and gives way to newer only", &(at, want));
    let outdated = (details.invalidated, held.outdated);
    rule(outdated.0 == outdated.1, "what is out of date is so until somebody asks the server", &outdated);
    if asleep {
        return;
    }
    let found = peer.client.get_data(&query);
    let want = held.data.and_then(|data| data.note);
    rule(found.as_deref() == want.as_ref(), "what is there is the newest that came", &(&found, &want));
    let shown = peer.viewers[key].as_ref().map(|viewer| viewer.observer.state().data().cloned());
    rule(shown.is_none_or(|shown| shown == found), "who watches sees it", &(key, &found));
    let Some(Note { person, says }) = found.as_deref() else { return };
    let own = peer.known.note(key).person;
    rule(*person == own, "it is of whom it is shown to", &(person, own));
    let newest = peer.model(|model| std::mem::replace(&mut model.newest[key], *says));
    rule(!one_clock || newest <= *says, "data does not grow older", &(newest, says));
}

struct Hydration;

impl Simulation for Hydration {
    const OF: &'static str = "hydration";
    const MOST: u64 = 1_500;
    const MUST: &'static [&'static str] = &[
        "JSON comes that nobody asks for",
        "JSON that does not decode",
        "broken",
        "data comes for what is asked for",
        "newer JSON takes the place of JSON",
        "newer data takes the place of what is shown",
        "older",
        "refused",
        "taken",
        "what comes may not know of an invalidation",
    ];
    type Step = Step;

    fn program(seed: u64) -> Vec<Step> {
        let mut rng = Rng::new(seed);
        let length = 20 + rng.below(50);
        let step = |_| {
            let (peer, key) = (rng.below(PEERS), rng.below(KEYS));
            match rng.below(48) {
                0..=3 => Step::Watch(peer, key),
                4 | 5 => Step::Unwatch(peer, key),
                6 | 7 => Step::Peek(peer, key),
                8..=10 => Step::Write(peer, key),
                11 | 12 => Step::Invalidate(peer, key, rng.of(&[Then::FetchActive, Then::Nothing])),
                13 | 14 => Step::Refetch(peer, key),
                15 => Step::Cancel(peer, key),
                16 => Step::Reset(peer, key),
                17 => Step::Remove(peer, key),
                18 | 19 => Step::Change(key),
                20 => Step::Fails(rng.of(&[0, 2, 5])),
                21..=25 => Step::Pack(peer, rng.of(&[None, None, Some(key)])),
                26..=33 => Step::Unpack(peer, rng.of(&[0, 0, 0, 1, 2, 5])),
                34 => rng.of(&[Step::Spoil, Step::Nonsense(peer)]),
                35 => Step::Reload(peer),
                36 => Step::Enter(peer, rng.of(&[None, Some("ada"), Some("ada"), Some("grace")])),
                37 => rng.of(&[Step::Hold(peer), Step::Restore(peer), Step::Restore(peer)]),
                _ => Step::Pass(rng.of(&[0, 1, 1, 100, 500, 2_000])),
            }
        };
        let steps: Vec<_> = (0..length).map(step).collect();
        // Something is there to begin with.
        let first = (0..2 * KEYS).map(|place| Step::Watch(place % 2, place / 2));
        first.chain([Step::Pass(2_000), Step::Pack(0, None)]).chain(steps).collect()
    }

    fn run(seed: u64, steps: &[Step], seen: &Seen) {
        let mut run = Run::new(seed, seen);
        for step in steps {
            run.act(step);
            run.check();
            if matches!(step, Step::Pass(_)) {
                run.check_told();
            }
        }
        run.end();
    }
}

#[test]
fn no_program_of_hydration_breaks_a_promise() {
    simulate::<Hydration>();
}
