//! `use_mutation`: a mutation in a component.

use std::cell::{Cell, RefCell};
use std::fmt;
use std::future::Future;
use std::rc::{Rc, Weak};

use query_cache::{
    Misuse, Mutation, MutationDetails, MutationError, MutationFuture, MutationId, MutationObserver,
    MutationSnapshot, MutationState, MutationStatus, QueryClient,
};
use yew::{hook, use_force_update, use_memo};

use crate::bridge::{BROWSER, renders};
use crate::misuse::HookKind;
use crate::provider::use_client;

/// A mutation to be called from this component. The component shows its latest call, and is rendered again when
/// what it reads of [`UseMutation`] has changed: one that only calls never is.
///
/// A call goes on when the component is gone, and so do the mutation's own callbacks. Each press is a call of its
/// own; the results of earlier ones go to whoever waits for them.
///
/// ```
/// use yew::prelude::*;
/// use yew_query_cache::{MutationContext, MutationState, QueryFilter, mutation, query_key, use_mutation};
///
/// #[component]
/// fn Like() -> Html {
///     let like = use_mutation(mutation("like", async |post: &u64, cx: MutationContext| {
///         // Any fetcher, with `cx.idempotency_key()`; then:
///         cx.client().invalidate(QueryFilter::prefix(query_key!["posts", *post]));
///         Ok::<_, String>(())
///     }));
///     let onclick = {
///         let like = like.clone();
///         Callback::from(move |_: MouseEvent| like.mutate(7))
///     };
///     let said = match like.state() {
///         MutationState::Idle => "Like".to_owned(),
///         MutationState::Pending { paused: true, .. } => "Will be sent when you are online".to_owned(),
///         MutationState::Pending { .. } => "…".to_owned(),
///         MutationState::Success { .. } => "Liked".to_owned(),
///         MutationState::Error { error } => error.to_string(),
///     };
///     html! { <button {onclick} disabled={like.is_pending()}>{ said }</button> }
/// }
/// ```
///
/// Outside of a [`QueryClientProvider`](crate::QueryClientProvider) the state is
/// [`Error`](MutationState::Error) with [`MutationError::Misuse`], nothing is called, and the console says so
/// once per page.
#[hook]
pub fn use_mutation<M: Mutation>(mutation: M) -> UseMutation<M> {
    let (seen, watch) = use_any_mutation();
    let (client, snapshot, misuse) = match seen {
        Ok((client, snapshot)) => (Some(client), snapshot, None),
        Err(misuse) => (None, None, Some(misuse)),
    };
    let state = match (&snapshot, misuse) {
        (_, Some(misuse)) => MutationState::Error { error: MutationError::Misuse(misuse) },
        (Some(snapshot), None) => snapshot.state(),
        (None, None) => MutationState::Idle,
    };
    UseMutation {
        mutation: Rc::new(mutation),
        state: Rc::new(state),
        snapshot,
        client,
        watch: Rc::downgrade(&watch),
    }
}

type Seen = Result<(QueryClient, Option<MutationSnapshot>), Misuse>;

/// Knows no types, so it is compiled once for all mutations.
#[hook]
fn use_any_mutation() -> (Seen, Rc<Watch>) {
    let client = use_client(HookKind::Mutation);
    let update = use_force_update();
    let watch = use_memo((), |()| Watch::default());
    let seen = client.map(|client| {
        let snapshot = BROWSER.then(|| watch.look(&client, || renders(&update)));
        (client, snapshot)
    });
    (seen, watch)
}

/// What a component watches through the hook.
#[derive(Default)]
struct Watch {
    observer: RefCell<Option<Rc<MutationObserver>>>,
    interest: Cell<u8>,
}

/// What a component reads: it is rendered for these only once it has.
#[derive(Clone, Copy)]
enum Interest {
    Status = 1,
    State = 2,
    Details = 4,
}

impl Watch {
    fn observer(&self) -> Option<Rc<MutationObserver>> {
        self.observer.borrow().clone()
    }

    fn look(&self, client: &QueryClient, told: impl FnOnce() -> Rc<dyn Fn()>) -> MutationSnapshot {
        if let Some(observer) = self.observer().filter(|observer| observer.client() == client) {
            return observer.show();
        }
        let observer = Rc::new(client.observe_mutation(told()));
        self.interest.set(0);
        let before = self.observer.replace(Some(observer.clone()));
        drop(before);
        observer.show()
    }

    fn follow(&self, call: Option<MutationId>) {
        if let Some(observer) = self.observer() {
            observer.follow(call);
        }
    }

    /// Each client counts its calls by itself: a call of the one before would be taken for another.
    fn follow_of(&self, client: &QueryClient, call: MutationId) {
        if let Some(observer) = self.observer().filter(|observer| observer.client() == client) {
            observer.follow(Some(call));
        }
    }

    fn reads(&self, interest: Interest) {
        let bit = interest as u8;
        let Some(observer) = self.observer().filter(|_| self.interest.get() & bit == 0) else { return };
        self.interest.set(self.interest.get() | bit);
        match interest {
            Interest::Status => observer.watch_status(),
            Interest::State => observer.watch_state(),
            Interest::Details => observer.watch_details(),
        }
    }
}

/// What [`use_mutation`] found: the state of the latest call as it was in that render, and the way to make one.
///
/// A clone is cheap and may be moved into callbacks; it does not keep the component alive.
pub struct UseMutation<M: Mutation> {
    mutation: Rc<M>,
    state: Rc<MutationState<M::Data, M::Error>>,
    snapshot: Option<MutationSnapshot>,
    client: Option<QueryClient>,
    watch: Weak<Watch>,
}

impl<M: Mutation> UseMutation<M> {
    /// The state of the latest call, as it was in this render. A component that asks is rendered when it changes.
    pub fn state(&self) -> &MutationState<M::Data, M::Error> {
        self.reads(Interest::State);
        &self.state
    }

    /// Whether the latest call was not over in this render. A component that asks only this is rendered when a
    /// call begins and when it is over.
    pub fn is_pending(&self) -> bool {
        self.reads(Interest::Status);
        self.snapshot.as_ref().is_some_and(|snapshot| snapshot.status() == MutationStatus::Pending)
    }

    /// The rest of what was known of the latest call in this render: what it was given, counts and times. A
    /// component that asks is rendered when any of it changes.
    pub fn details(&self) -> Option<MutationDetails<M::Variables, M::Error>> {
        self.reads(Interest::Details);
        self.snapshot.as_ref()?.details()
    }

    fn reads(&self, interest: Interest) {
        if let Some(watch) = self.watch.upgrade() {
            watch.reads(interest);
        }
    }

    fn call(&self, variables: M::Variables) -> Option<MutationFuture<M>> {
        let client = self.client.as_ref().filter(|_| BROWSER)?;
        let call = client.mutate_shared(&self.mutation, variables);
        if let Some(watch) = self.watch.upgrade() {
            watch.follow_of(client, call.id());
        }
        Some(call)
    }

    fn misuse(&self) -> MutationError<M::Error> {
        match &*self.state {
            MutationState::Error { error: MutationError::Misuse(misuse) } => MutationError::Misuse(*misuse),
            _ => MutationError::Cancelled,
        }
    }

    /// Calls it. It begins in this call.
    pub fn mutate(&self, variables: M::Variables) {
        if let Some(call) = self.call(variables) {
            call.detach();
        }
    }

    /// Calls it, and has `then` called when it is over, after the mutation's own callbacks, if the component is
    /// still there: the place to turn the page or empty the form. Of several calls, each has its own.
    pub fn mutate_then(
        &self,
        variables: M::Variables,
        then: impl FnOnce(Result<Rc<M::Data>, MutationError<M::Error>>) + 'static,
    ) {
        match self.call(variables) {
            Some(call) => {
                let watch = self.watch.clone();
                call.then(move |outcome| {
                    if watch.strong_count() > 0 {
                        then(outcome);
                    }
                });
            }
            None => then(Err(self.misuse())),
        }
    }

    /// Calls it, in this call, and waits for what comes of it. The call goes on when this is dropped.
    pub fn mutate_and_wait(
        &self,
        variables: M::Variables,
    ) -> impl Future<Output = Result<Rc<M::Data>, MutationError<M::Error>>> + 'static {
        let call = self.call(variables).ok_or_else(|| self.misuse());
        async move { call?.await }
    }

    /// Shows no call any more. What is under way goes on.
    pub fn reset(&self) {
        if let Some(watch) = self.watch.upgrade() {
            watch.follow(None);
        }
    }

    /// Calls the latest call off, unless it has its answer
    /// ([`QueryClient::cancel_mutations`]).
    pub fn cancel(&self) {
        let observer = self.watch.upgrade().and_then(|watch| watch.observer());
        if let Some((observer, call)) = observer.and_then(|held| held.followed().map(|call| (held, call))) {
            observer.client().cancel_mutations(call);
        }
    }
}

// By hand: the mutation itself need not be `Clone`.
impl<M: Mutation> Clone for UseMutation<M> {
    fn clone(&self) -> Self {
        UseMutation {
            mutation: self.mutation.clone(),
            state: self.state.clone(),
            snapshot: self.snapshot.clone(),
            client: self.client.clone(),
            watch: self.watch.clone(),
        }
    }
}

impl<M: Mutation<Data: fmt::Debug, Error: fmt::Debug>> fmt::Debug for UseMutation<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("UseMutation").field("state", &self.state).finish_non_exhaustive()
    }
}
