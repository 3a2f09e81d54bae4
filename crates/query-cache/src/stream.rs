//! Answers that come in pieces.

use std::any::TypeId;
use std::cell::Cell;
use std::fmt;
use std::future::poll_fn;
use std::pin::{Pin, pin};
use std::rc::Rc;
use std::task::{Context, Poll};

use futures_core::Stream;

use crate::context::FetchContext;
use crate::engine::Value;

/// As many chunks in one go: a stream that always has another must not keep everybody else from running.
const GO: usize = 256;

/// What is there already when a streamed query is fetched again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Before {
    Reset,
    Append,
    Replace,
}

impl FetchContext {
    /// Makes the answer of a stream of chunks, as they come: there is data from the first chunk on, while the fetch
    /// goes on. Needs the feature `stream`.
    ///
    /// Data that is not all there is stale, whatever the options say, so that a fetch that was called off is made
    /// good for. An error ends the stream, and what came before it stays; a retry begins the stream anew.
    /// Whoever lets go drops the stream. A write meanwhile wins over it, and ends it.
    ///
    /// ```
    /// # use std::pin::Pin;
    /// # use std::task::{Context, Poll};
    /// use query_cache::{FetchContext, Query, QueryKey, query_key};
    /// # struct Words(std::vec::IntoIter<String>);
    /// # impl futures_core::Stream for Words {
    /// #     type Item = Result<String, String>;
    /// #     fn poll_next(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Self::Item>> {
    /// #         Poll::Ready(self.0.next().map(Ok))
    /// #     }
    /// # }
    /// # fn words_about(_: &str) -> Words { Words(vec!["An".to_owned(), "answer".to_owned()].into_iter()) }
    ///
    /// struct Answer {
    ///     question: String,
    /// }
    ///
    /// impl Query for Answer {
    ///     type Data = String;
    ///     type Error = String;
    ///
    ///     fn key(&self) -> QueryKey {
    ///         query_key!["answer", &self.question]
    ///     }
    ///     async fn fetch(&self, cx: FetchContext) -> Result<String, String> {
    ///         let words = words_about(&self.question); // impl Stream<Item = Result<String, String>>
    ///         cx.stream(words).fold(String::new(), |answer, word| answer.push_str(&word)).await
    ///     }
    /// }
    /// # let world = query_cache::ManualEnvironment::new(1);
    /// # let client = query_cache::QueryClient::new(world.clone());
    /// # let question = "why".to_owned();
    /// # let answer = client.observe(Answer { question }, || {});
    /// # world.run();
    /// # assert_eq!(answer.state().data().map(|data| data.as_str()), Some("Ananswer"));
    /// ```
    pub fn stream<C, E, S: Stream<Item = Result<C, E>>>(&self, stream: S) -> Streaming<'_, S> {
        Streaming { cx: self, stream, before: Before::Reset }
    }
}

/// A stream of chunks, of which an answer is to be made. Made by [`FetchContext::stream`].
///
/// Fetched again, it begins without data, unless it is told otherwise.
#[must_use = "it does nothing until it is folded and awaited"]
pub struct Streaming<'a, S> {
    cx: &'a FetchContext,
    stream: S,
    before: Before,
}

impl<S> Streaming<'_, S> {
    /// Fetched again, the chunks are put to what there is: to what came before an error, too. A retry is no other
    /// fetch: it begins with what there was before the first attempt. For streams that go on where they ended.
    pub fn append(mut self) -> Self {
        self.before = Before::Append;
        self
    }

    /// Fetched again, what there is is shown until all chunks have come, and then replaced.
    pub fn replace(mut self) -> Self {
        self.before = Before::Replace;
        self
    }
}

impl<C: 'static, E: 'static, S: Stream<Item = Result<C, E>>> Streaming<'_, S> {
    /// Begins with `empty` and adds each chunk, once. What is shown meanwhile is cloned, once for all chunks that come
    /// in one go. An empty stream comes to `empty`.
    ///
    /// # Errors
    /// The stream's first.
    pub async fn fold<T: Clone + 'static>(self, empty: T, mut add: impl FnMut(&mut T, C)) -> Result<T, E> {
        let Streaming { cx, stream, before } = self;
        let publisher = Publisher { cx, types: TypeId::of::<(T, E)>() };
        let held = publisher.held();
        let quiet = before == Before::Replace && held.is_some();
        let mut all = match (before, held.and_then(|held| held.downcast::<T>().ok())) {
            (Before::Append, Some(held)) => (*held).clone(),
            // What an attempt has brought stays until the next one brings something.
            (Before::Reset, Some(_)) if cx.attempt() == 1 => {
                publisher.publish(None);
                empty
            }
            _ => empty,
        };
        let mut stream: Pin<&mut S> = pin!(stream);
        let mut failed = None;
        // The first poll is in the call that asks, in which nothing is answered yet.
        let (mut first, mut more) = (true, false);
        let end = poll_fn(|task: &mut Context<'_>| {
            for _ in 0..GO {
                if failed.is_some() {
                    break;
                }
                match stream.as_mut().poll_next(task) {
                    Poll::Ready(Some(Ok(chunk))) => {
                        add(&mut all, chunk);
                        more = true;
                    }
                    Poll::Ready(Some(Err(error))) => failed = Some(error),
                    Poll::Ready(None) => return Poll::Ready(Ok(())),
                    Poll::Pending => {
                        publisher.show(&all, &mut more, first || quiet)?;
                        first = false;
                        return Poll::Pending;
                    }
                }
            }
            publisher.show(&all, &mut more, first || quiet)?;
            match failed.take_if(|_| !first || !more) {
                Some(error) => Poll::Ready(Err(Ended::Failed(error))),
                None => {
                    first = false;
                    task.waker().wake_by_ref();
                    Poll::Pending
                }
            }
        });
        match end.await {
            Ok(()) | Err(Ended::Unwanted) => Ok(all),
            Err(Ended::Failed(error)) => Err(error),
        }
    }

    /// All chunks, in order.
    ///
    /// # Errors
    /// The stream's first.
    pub async fn collect(self) -> Result<Vec<C>, E>
    where
        C: Clone,
    {
        self.fold(Vec::new(), Vec::push).await
    }
}

impl<S> fmt::Debug for Streaming<'_, S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Streaming").field("before", &self.before).finish_non_exhaustive()
    }
}

/// Why a stream is not polled any more.
enum Ended<E> {
    Failed(E),
    /// Somebody wrote meanwhile: whatever it says is older.
    Unwanted,
}

struct Publisher<'a> {
    cx: &'a FetchContext,
    /// What the stream makes. Of another type than the query's data it is not shown.
    types: TypeId,
}

impl Publisher<'_> {
    /// What there is, without what this fetch has brought.
    fn held(&self) -> Option<Value> {
        self.cx.client.upgrade()?.read(|engine| engine.before(self.cx.flight))
    }

    /// Shows what has come, if there is more and it is time to.
    fn show<T: Clone + 'static, E>(&self, all: &T, more: &mut bool, quiet: bool) -> Result<(), Ended<E>> {
        if quiet || !std::mem::take(more) || self.publish(Some(Rc::new(all.clone()))) {
            return Ok(());
        }
        Err(Ended::Unwanted)
    }

    /// Says whether it is still wanted.
    fn publish(&self, data: Option<Value>) -> bool {
        let Some(client) = self.cx.client.upgrade() else { return false };
        let (flight, types) = (self.cx.flight, self.types);
        let Some(data) = data else {
            return client.step(|engine, now, fx| engine.progress(flight, types, None, now, fx));
        };
        // Not its answer yet: what waits for that in the layers goes on waiting.
        let wanted = Cell::new(false);
        client.see(&|_| Some(flight.entry), &data, None, &|engine, seen, now, fx| {
            wanted.set(engine.progress(flight, types, Some((&data, seen)), now, fx));
        });
        wanted.get()
    }
}
