//! Mutations whose every part calls the client, at random: nothing is borrowed then, no call is lost, and lines
//! keep their order.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod common;

use std::cell::{Cell, RefCell};
use std::rc::Rc;

use query_cache::{
    Classify, Environment, ErrorClass, ManualEnvironment, Mutation, MutationContext, MutationError,
    MutationFilter, MutationId, MutationListening, MutationObserver, MutationOptions, MutationStep,
    QueryClient, QueryKey, WeakQueryClient, minutes, query, query_key, seconds,
};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// Calls the client, at random, as often as it may.
#[derive(Clone)]
struct Bomb(Rc<Inner>);

struct Inner {
    world: ManualEnvironment,
    client: WeakQueryClient,
    fuel: Cell<usize>,
    went_off: Cell<usize>,
    /// Futures that were made, and those that have come to something.
    made: Cell<usize>,
    over: Cell<usize>,
    observers: RefCell<Vec<Rc<MutationObserver>>>,
    listening: RefCell<Vec<MutationListening>>,
    /// The number and the handle of who is under way in the line.
    under_way: RefCell<Vec<(MutationId, QueryClient)>>,
    keeps_network: Cell<bool>,
}

thread_local! {
    /// What is decoded has to find it.
    static BOMB: RefCell<Option<Bomb>> = const { RefCell::new(None) };
}

impl Bomb {
    fn call(&self, client: &QueryClient, kind: usize) {
        let call = client.mutate(Act(kind), Lit(self.clone()));
        self.0.made.set(self.0.made.get() + 1);
        let bomb = self.clone();
        self.0.world.spawn(Box::pin(async move {
            let _ = call.await;
            bomb.0.over.set(bomb.0.over.get() + 1);
        }));
    }

    fn go_off(&self) {
        let Some(client) = self.0.client.upgrade() else { return };
        let Some(fuel) = self.0.fuel.get().checked_sub(1) else { return };
        self.0.fuel.set(fuel);
        self.0.went_off.set(self.0.went_off.get() + 1);
        let random = self.0.world.random();
        let pick = usize::try_from(random >> 40).unwrap();
        match random % 16 {
            0 => client.end_scope(),
            1 => client.hold_scope(),
            2 | 3 => client.restore_scope(),
            4 | 5 => self.call(&client, pick % 4),
            6 => drop(client.cancel_mutations(MutationFilter::all().matching(move |_| pick % 3 == 0))),
            7 => client.forget_mutations(MutationFilter::all()),
            8 => {
                let bomb = self.clone();
                client.count_mutations(MutationFilter::all().matching(move |_| {
                    bomb.go_off();
                    true
                }));
            }
            9 => client.set_online(!pick.is_multiple_of(2) || self.0.keeps_network.get()),
            10 => client.set_focused(!pick.is_multiple_of(3)),
            11 => {
                for saved in client.unfinished_mutations().saved {
                    let _ = client.resume_mutation(&saved);
                }
            }
            12 => {
                let gone = (self.0.observers.borrow_mut().pop(), self.0.listening.borrow_mut().pop());
                drop(gone);
            }
            13 => {
                let (bomb, held) = (self.clone(), self.clone());
                let observer = Rc::new(client.observe_mutation(Rc::new(move || bomb.go_off())));
                observer.watch_details();
                let found = client.find_mutations(MutationFilter::all());
                observer.follow(found.last().map(|info| info.id()));
                self.0.observers.borrow_mut().push(observer);
                let listening = client.listen_to_mutations(move |_| held.go_off());
                self.0.listening.borrow_mut().push(listening);
            }
            14 => client.alarm(),
            _ => {
                let bomb = self.clone();
                client.set_mutation_options(move |defaults| {
                    bomb.go_off();
                    defaults
                });
            }
        }
    }
}

/// Variables, data, errors and what is kept.
struct Lit(Bomb);

impl Drop for Lit {
    fn drop(&mut self) {
        self.0.go_off();
    }
}

impl Classify for Lit {
    fn class(&self) -> ErrorClass {
        self.0.go_off();
        if self.0.0.world.random().is_multiple_of(4) { ErrorClass::Offline } else { ErrorClass::RETRYABLE }
    }
}

impl Serialize for Lit {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.0.go_off();
        serializer.serialize_unit()
    }
}

impl<'de> Deserialize<'de> for Lit {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        <()>::deserialize(deserializer)?;
        let bomb = BOMB.with(|bomb| bomb.borrow().clone()).expect("there is one");
        bomb.go_off();
        Ok(Lit(bomb))
    }
}

/// In a line of its own kind, or in none.
struct Act(usize);

impl Mutation for Act {
    type Variables = Lit;
    type Data = Lit;
    type Error = Lit;

    fn name(&self) -> &'static str {
        ["none", "one", "two", "three"][self.0]
    }
    fn options(&self, defaults: MutationOptions<Self>) -> MutationOptions<Self> {
        defaults.retry(1).retry_if(|error: &Lit| {
            error.0.go_off();
            true
        })
    }
    fn line(&self, variables: &Lit) -> Option<QueryKey> {
        variables.0.go_off();
        (self.0 > 1).then(|| query_key!["line"])
    }
    async fn mutate(&self, variables: &Lit, cx: MutationContext) -> Result<Lit, Lit> {
        struct UnderWay(Bomb, MutationId);
        impl Drop for UnderWay {
            fn drop(&mut self) {
                self.0.0.under_way.borrow_mut().retain(|(held, _)| *held != self.1);
                self.0.go_off();
            }
        }
        let bomb = variables.0.clone();
        let _under_way = (self.0 > 1).then(|| {
            let mut under_way = bomb.0.under_way.borrow_mut();
            assert!(under_way.iter().all(|(_, held)| held.is_over()), "one of a line at a time");
            under_way.push((cx.id(), cx.client().clone()));
            UnderWay(bomb.clone(), cx.id())
        });
        cx.keep(Lit(bomb.clone()));
        bomb.go_off();
        bomb.0.world.sleep(seconds(1)).await;
        bomb.go_off();
        if bomb.0.world.random().is_multiple_of(3) { Err(Lit(bomb.clone())) } else { Ok(Lit(bomb.clone())) }
    }
    async fn on_mutate(&self, variables: &Lit, cx: MutationContext) {
        cx.keep(Lit(variables.0.clone()));
        variables.0.go_off();
    }
    async fn on_success(&self, data: &Lit, _: &Lit, cx: MutationContext) {
        drop(cx.take::<Lit>());
        data.0.go_off();
    }
    async fn on_error(&self, error: &Lit, _: &Lit, _: MutationContext) {
        error.0.go_off();
    }
    async fn on_settled(&self, _: Result<&Lit, &MutationError<Lit>>, variables: &Lit, _: MutationContext) {
        variables.0.go_off();
    }
}

#[test]
fn whatever_belongs_to_a_mutation_may_call_the_client_and_no_call_is_lost() {
    for seed in 0..200 {
        let world = ManualEnvironment::new(seed);
        let client = QueryClient::new(world.clone());
        let bomb = Bomb(Rc::new(Inner {
            world: world.clone(),
            client: client.downgrade(),
            fuel: Cell::new(0),
            went_off: Cell::new(0),
            made: Cell::new(0),
            over: Cell::new(0),
            observers: RefCell::default(),
            listening: RefCell::default(),
            under_way: RefCell::default(),
            keeps_network: Cell::new(seed % 2 == 0),
        }));
        BOMB.with(|held| held.replace(Some(bomb.clone())));
        (0..4).for_each(|kind| client.register_mutation(Act(kind)));
        let each = bomb.clone();
        client.on_each_mutation(async move |step: MutationStep, _| {
            each.go_off();
            drop(step);
        });
        for step in 0..60 {
            bomb.0.fuel.set(12);
            bomb.call(&client, step % 4);
            // Thrown away by the end of a scope before the calls are.
            let held = bomb.clone();
            client.prefetch(query(query_key!["held"], async move |_| {
                let _held = Lit(held.clone());
                std::future::pending::<Result<u32, String>>().await
            }));
            world.advance(std::time::Duration::from_millis(300));
        }
        assert!(bomb.0.went_off.get() > 100, "seed {seed}: {}", bomb.0.went_off.get());
        // In quiet, all comes to an end.
        bomb.0.fuel.set(0);
        client.clear();
        client.restore_scope();
        client.set_focused(true);
        client.set_online(true);
        for _ in 0..60 {
            world.advance(minutes(1));
            client.set_online(true);
        }
        let pending = client.find_mutations(MutationFilter::all().pending());
        assert!(pending.is_empty(), "seed {seed}: {pending:?}");
        assert_eq!(bomb.0.over.get(), bomb.0.made.get(), "seed {seed}: whoever waits is told");
        let held = (bomb.0.observers.take(), bomb.0.listening.take());
        drop(held);
        world.advance(minutes(60));
        assert_eq!(client.count_mutations(MutationFilter::all()), 0, "seed {seed}");
        client.set_mutation_options(|defaults| defaults);
        drop(client);
        world.run();
        assert_eq!(world.task_count(), 0, "seed {seed}");
        BOMB.with(|held| held.replace(None));
    }
}
