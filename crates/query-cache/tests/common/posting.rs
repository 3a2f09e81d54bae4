//! A mutation that is sent to the server and writes down what happens to it.

use std::cell::RefCell;
use std::rc::Rc;

use query_cache::{
    Mutation, MutationContext, MutationError, MutationFilter, MutationFuture, MutationId, MutationObserver,
    MutationOptions, MutationState, QueryKey, query_key,
};

use super::{Fault, Outcome, Server, Stage};

/// What happened, and when: in milliseconds since the beginning.
#[derive(Clone, Default)]
pub struct Journal(pub Rc<RefCell<Vec<String>>>);

impl Journal {
    pub fn write(&self, line: impl Into<String>) {
        self.0.borrow_mut().push(line.into());
    }

    pub fn take(&self) -> Vec<String> {
        self.0.take()
    }
}

pub type Change = fn(MutationOptions<Post>) -> MutationOptions<Post>;

/// Sends its number. Those in one line differ by less than ten.
#[derive(Clone, Copy)]
pub struct Post {
    pub change: Change,
    pub lined: bool,
}

/// With the default options, in no line.
pub const POST: Post = Post { change: |defaults| defaults, lined: false };

/// In the line of its tens.
pub const LINED: Post = Post { lined: true, ..POST };

impl Mutation for Post {
    type Variables = u32;
    type Data = u32;
    type Error = Fault;

    fn name(&self) -> &'static str {
        "post"
    }
    fn options(&self, defaults: MutationOptions<Self>) -> MutationOptions<Self> {
        (self.change)(defaults)
    }
    fn line(&self, number: &u32) -> Option<QueryKey> {
        self.lined.then(|| query_key!["tens", number / 10])
    }
    async fn mutate(&self, number: &u32, cx: MutationContext) -> Result<u32, Fault> {
        cx.get::<Keys>()?.0.borrow_mut().push((*number, cx.idempotency_key().to_string()));
        cx.get::<Server>()?.answer(*number).await
    }
    async fn on_mutate(&self, number: &u32, cx: MutationContext) {
        note(&cx, format!("{number} begins"));
        cx.keep(Kept(format!("{number} kept"), cx.get::<Journal>().unwrap().as_ref().clone()));
    }
    async fn on_success(&self, data: &u32, number: &u32, cx: MutationContext) {
        note(&cx, format!("{number} succeeds: {data}, {}", cx.kept::<Kept>().unwrap().0));
    }
    async fn on_error(&self, error: &Fault, number: &u32, cx: MutationContext) {
        note(&cx, format!("{number} fails: {:?}, {}", error.0, cx.kept::<Kept>().unwrap().0));
    }
    async fn on_settled(
        &self,
        outcome: Result<&u32, &MutationError<Fault>>,
        number: &u32,
        cx: MutationContext,
    ) {
        note(&cx, format!("{number} settles: {}", if outcome.is_ok() { "well" } else { "not well" }));
    }
}

/// Writes down when it is dropped.
pub struct Kept(pub String, pub Journal);

impl Drop for Kept {
    fn drop(&mut self) {
        self.1.write(format!("{}, dropped", self.0));
    }
}

fn note(cx: &MutationContext, line: String) {
    cx.get::<Journal>().unwrap().write(line);
}

/// What was sent, with its idempotency key.
#[derive(Clone, Default)]
pub struct Keys(pub Rc<RefCell<Vec<(u32, String)>>>);

/// A state in words.
pub fn words(state: &MutationState<u32, Fault>) -> String {
    match state {
        MutationState::Idle => "idle".to_owned(),
        MutationState::Pending { paused: true, .. } => "paused".to_owned(),
        MutationState::Pending { retry: Some(retry), .. } => {
            let next = if retry.waiting { "waiting" } else { "again" };
            format!("{} of {} failed, {next}", retry.attempt, retry.attempts)
        }
        MutationState::Pending { .. } => "pending".to_owned(),
        MutationState::Success { data } => format!("success: {data}"),
        MutationState::Error { error: MutationError::Failed(fault) } => format!("error: {:?}", fault.0),
        MutationState::Error { error } => format!("error: {error:?}"),
    }
}

impl Stage {
    /// Lets mutations be sent, and says what they write down.
    pub fn posts(&self) -> (Journal, Keys) {
        let (journal, keys) = (Journal::default(), Keys::default());
        self.client.provide(journal.clone());
        self.client.provide(keys.clone());
        (journal, keys)
    }

    pub fn post(&self, post: Post, number: u32) -> MutationId {
        self.client.mutate(post, number).detach()
    }

    /// A call's state, in words.
    pub fn post_state(&self, id: MutationId) -> String {
        let found = self.client.find_mutations(id);
        found.first().map_or("idle".to_owned(), |info| words(&info.state::<Post>()))
    }

    /// How many calls are not over.
    pub fn pending_posts(&self) -> usize {
        self.client.count_mutations(MutationFilter::all().pending())
    }

    /// What a future comes to, once it does.
    pub fn outcome(&self, future: MutationFuture<Post>) -> Outcome<String> {
        self.spawn(async move {
            match future.await {
                Ok(data) => format!("success: {data}"),
                Err(error) => words(&MutationState::Error { error }),
            }
        })
    }

    /// Watches a call's state, and writes down each that is shown.
    pub fn watch_post(&self, id: MutationId) -> PostViewer {
        let shown = Rc::<PostView>::default();
        let view = Rc::downgrade(&shown);
        let observer = self.client.observe_mutation(Rc::new(move || {
            if let Some(view) = view.upgrade()
                && let Some(observer) = &*view.observer.borrow()
            {
                view.journal.write(words(&observer.show().state()));
            }
        }));
        observer.watch_state();
        observer.follow(Some(id));
        shown.observer.replace(Some(observer));
        PostViewer(shown)
    }
}

#[derive(Default)]
struct PostView {
    observer: RefCell<Option<MutationObserver>>,
    journal: Journal,
}

/// A component that shows a call.
pub struct PostViewer(Rc<PostView>);

impl PostViewer {
    /// What it has shown since this was last asked.
    pub fn shown(&self) -> Vec<String> {
        self.0.journal.take()
    }

    pub fn follow(&self, id: Option<MutationId>) {
        self.0.observer.borrow().as_ref().unwrap().follow(id);
    }

    pub fn now(&self) -> String {
        words(&self.0.observer.borrow().as_ref().unwrap().show().state())
    }
}
