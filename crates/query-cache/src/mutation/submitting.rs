//! Making a call.

use std::cell::{Cell, RefCell};
use std::future::poll_fn;
use std::rc::Rc;

use super::call::{Call, DynCall};
use super::context::{IdempotencyKey, MutationContext, Shared};
use super::definition::{Mutation, MutationStep};
use super::driving::{Drive, drive};
use super::future::{MutationFuture, Promise};
use super::options::{DefaultMutationOptions, MutationOptions};
use super::part::{Change, Mutations};
use super::run::Run;
use super::state::{Facts, MutationId, State};
use super::store::{Entry, Gate, Phase};
use crate::client::QueryClient;
use crate::environment::Timestamp;
use crate::policy::Policy;

/// What is known of a call that was made before a reload.
pub(super) struct Resumed {
    pub key: IdempotencyKey,
    pub submitted_at: Timestamp,
    /// An attempt had begun.
    pub sent: bool,
}

/// A call that was made, and where what comes of it will be.
pub(super) type Submitted = (MutationId, Rc<Promise>);

impl QueryClient {
    /// Calls a mutation. It begins in this call: [`on_mutate`](Mutation::on_mutate), and the first attempt if
    /// nothing stands in the way. It goes on whether or not anybody watches or waits for the future, and as
    /// often as this is called: two calls are two mutations.
    ///
    /// ```
    /// use query_cache::{ManualEnvironment, MutationState, QueryClient, mutation};
    ///
    /// # let world = ManualEnvironment::new(1);
    /// # let client = QueryClient::new(world.clone());
    /// # let run = async move {
    /// let like = mutation("like", async |post: &u64, _| Ok::<_, String>(format!("liked {post}")));
    /// match client.mutate(like, 7).await {
    ///     Ok(said) => assert_eq!(*said, "liked 7"),
    ///     Err(error) => println!("not liked: {error}"),
    /// }
    /// # };
    /// # query_cache::Environment::spawn(&world, Box::pin(run));
    /// # world.run();
    /// ```
    ///
    /// # Errors
    /// The future's: the mutation's own error, when all its attempts failed;
    /// [`MutationError::Cancelled`](crate::MutationError::Cancelled) when it was called off, or the scope ended.
    pub fn mutate<M: Mutation>(&self, mutation: M, variables: M::Variables) -> MutationFuture<M> {
        self.mutate_shared(&Rc::new(mutation), variables)
    }

    /// [`QueryClient::mutate`] of a mutation that is called more than once, for bridges to a UI framework.
    pub fn mutate_shared<M: Mutation>(&self, mutation: &Rc<M>, variables: M::Variables) -> MutationFuture<M> {
        let here = self.in_this_scope();
        let call = Call { mutation: mutation.clone(), variables: Rc::new(variables) };
        let (id, promise) = here.submit(Rc::new(call), None);
        MutationFuture::new(here.downgrade(), promise, id)
    }

    /// Makes the call, in this handle's scope. What is resumed has its key and its time already.
    pub(super) fn submit(&self, call: Rc<dyn DynCall>, resumed: Option<Resumed>) -> Submitted {
        let here = self.in_this_scope();
        let mutations = here.extension::<Mutations>();
        let promise = Rc::<Promise>::default();
        let id = MutationId(mutations.mark(|store| store.number()));
        // User code, which may end the scope.
        let policy = call.policy(mutations.default_policy(call.name()));
        let line = call.line();
        if here.is_over() {
            return (id, promise);
        }
        let is_resumed = resumed.is_some();
        let Resumed { key, submitted_at, sent } = resumed.unwrap_or_else(|| Resumed {
            key: IdempotencyKey::random(here.random(), here.random()),
            submitted_at: here.now(),
            sent: false,
        });
        let facts = Rc::new(Facts {
            name: call.name(),
            of: call.of(),
            variables: call.variables(),
            policy,
            line,
            key,
            submitted_at,
        });
        let run = Rc::<Run>::default();
        let entry = Entry {
            facts: facts.clone(),
            state: Rc::new(State::new()),
            run: run.clone(),
            promise: promise.clone(),
            scope: here.world().scope,
            phase: Phase::Gated(Gate::Scope),
            sent: u32::from(sent),
            until: Timestamp::default(),
            gc_at: Timestamp::MAX,
        };
        mutations.step(&here, |store, _, fx| store.insert(id, entry, fx));
        let shared = Rc::new(Shared {
            id,
            facts,
            resumed: is_resumed,
            begun: Cell::new(false),
            attempt: Cell::new(0),
            failures: Cell::new(0),
            kept: RefCell::default(),
        });
        run.put(Box::pin(drive(Drive { client: here.downgrade(), call, run: run.clone(), shared })));
        if !run.nudge() {
            here.spawn(Box::pin(async move { poll_fn(|cx| run.poll_in_task(cx)).await }));
        }
        (id, promise)
    }

    // ----- what holds for many

    /// The options that mutations begin with, whatever their name. They count for calls made from then on; a
    /// later call replaces an earlier one.
    pub fn set_mutation_options(
        &self,
        change: impl Fn(DefaultMutationOptions) -> DefaultMutationOptions + 'static,
    ) {
        self.extension::<Mutations>().put_default(None, Rc::new(change));
    }

    /// The options that mutations of this name begin with, on top of those of all.
    pub fn set_mutation_options_of(
        &self,
        name: &'static str,
        change: impl Fn(DefaultMutationOptions) -> DefaultMutationOptions + 'static,
    ) {
        self.extension::<Mutations>().put_default(Some(name), Rc::new(change));
    }

    /// Has this run at each step of each mutation, before the mutation's own callback and waited for: to say
    /// that everything is out of date, or what went wrong, in one place. Several run in the order in which they
    /// were given, for as long as the client lives. What need not be waited for is a
    /// [listener](QueryClient::listen_to_mutations)'s.
    ///
    /// ```
    /// use query_cache::{ManualEnvironment, MutationStep, QueryClient, QueryFilter};
    ///
    /// let client = QueryClient::new(ManualEnvironment::new(1));
    /// client.on_each_mutation(async |step, cx| {
    ///     if let MutationStep::Succeeded(_) = step {
    ///         cx.client().invalidate(QueryFilter::all());
    ///     }
    /// });
    /// ```
    pub fn on_each_mutation(&self, told: impl AsyncFn(MutationStep, MutationContext) + 'static) {
        let told = Rc::new(told);
        self.extension::<Mutations>().each.borrow_mut().push(Rc::new(move |step, cx| {
            let told = told.clone();
            Box::pin(async move { told(step, cx).await })
        }));
    }
}

impl Mutations {
    fn put_default(&self, name: Option<&'static str>, change: Change) {
        let mut defaults = self.defaults.borrow_mut();
        let before = match defaults.iter_mut().find(|(held, _)| *held == name) {
            Some((_, held)) => Some(std::mem::replace(held, change)),
            None => {
                let place = if name.is_none() { 0 } else { defaults.len() };
                defaults.insert(place, (name, change));
                None
            }
        };
        drop(defaults);
        drop(before);
    }

    fn default_policy(&self, name: &'static str) -> Policy {
        // User code: a copy of the list, so that it may set some.
        let defaults = self.defaults.borrow();
        let fitting: Vec<Change> = defaults
            .iter()
            .filter(|(held, _)| held.is_none_or(|held| held == name))
            .map(|(_, change)| change.clone())
            .collect();
        drop(defaults);
        fitting.iter().fold(MutationOptions::default(), |options, change| change(options)).into_policy()
    }
}
