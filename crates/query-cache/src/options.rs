//! How a query is fetched and kept.

use std::any::Any;
use std::fmt;
use std::marker::PhantomData;
use std::rc::Rc;
use std::time::Duration;

use crate::context::SourceContext;
use crate::engine::{Value, see_to_intervals};
use crate::environment::{Millis, Timestamp};
use crate::feed::open_source;
use crate::policy::{Fresh, Interval, Policy, Source};
use crate::query::Query;

/// A duration of whole seconds.
pub const fn seconds(count: u64) -> Duration {
    Duration::from_secs(count)
}

/// A duration of whole minutes.
pub const fn minutes(count: u64) -> Duration {
    Duration::from_secs(count.saturating_mul(60))
}

/// When data is stale: shown all the same, and fetched again when somebody new asks for it, when the page
/// gains focus and when the network comes back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StaleTime {
    /// This long after it arrived, or when invalidated. `After(Duration::ZERO)` is the default.
    After(Duration),
    /// Only when invalidated.
    WhenInvalidated,
    /// Never, invalidated or not. Nothing but [`refetch`](crate::QueryClient::refetch) of a watched query,
    /// or a reset, fetches it again.
    Static,
}

/// How long data that nobody watches is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum GcTime {
    /// This long after the last one let go. Five minutes is the default.
    After(Duration),
    /// Until it is removed or the scope ends.
    Never,
}

impl GcTime {
    fn millis(self) -> Millis {
        match self {
            GcTime::After(keep) => Millis::of(keep),
            GcTime::Never => Millis(u64::MAX),
        }
    }
}

impl StaleTime {
    fn fresh(self) -> Fresh {
        match self {
            StaleTime::After(fresh) => Fresh::of(Millis::of(fresh)),
            StaleTime::WhenInvalidated => Fresh::UNTIL_INVALIDATED,
            StaleTime::Static => Fresh::ALWAYS,
        }
    }
}

/// What a fetch has to do with the network.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NetworkMode {
    /// While offline, no attempt is begun: the fetch is paused. The default.
    Online,
    /// The network does not matter: what is fetched is on this machine.
    Always,
    /// The first attempt is made in any case, since something on the way may know the answer (a service
    /// worker); while offline, no other is.
    OfflineFirst,
}

/// Whether something that happens is a reason to fetch again what is there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refetch {
    /// No.
    No,
    /// When the data is stale. The default.
    WhenStale,
    /// Fresh or not. Data that is [`StaleTime::Static`] is left alone all the same.
    Always,
}

/// How a query is fetched and kept. Handed to [`Query::options`] with the defaults in it, to be returned
/// changed.
///
/// What stands earlier is what stands later's default: the client's defaults, those of a key's prefix, the
/// query's own [`options`](Query::options), and [`with_options`](Query::with_options) where it is used.
pub struct QueryOptions<Q: ?Sized> {
    policy: Policy,
    query: PhantomData<fn(&Q)>,
}

/// The options of no query in particular: the defaults of a client or of a prefix.
pub type DefaultOptions = QueryOptions<()>;

impl<Q: ?Sized> Default for QueryOptions<Q> {
    fn default() -> Self {
        QueryOptions::of(Policy::default())
    }
}

impl<Q: ?Sized> fmt::Debug for QueryOptions<Q> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.policy.plain.fmt(f)
    }
}

impl<Q: ?Sized> QueryOptions<Q> {
    pub(crate) fn of(policy: Policy) -> Self {
        QueryOptions { policy, query: PhantomData }
    }

    pub(crate) fn into_policy(self) -> Policy {
        self.policy
    }

    /// How often a fetch that failed is tried again: `retry(2)` makes three attempts. Default 3.
    pub fn retry(mut self, times: u32) -> Self {
        self.policy.plain.retry = times;
        self
    }

    /// The wait before another attempt: a random time of up to `first`, twice that, four times and so on,
    /// never over `longest`. Default 1 s and 30 s. An error that says when to come back is obeyed instead.
    pub fn backoff(mut self, first: Duration, longest: Duration) -> Self {
        self.policy.plain.first_wait = Millis::of(first);
        self.policy.plain.longest_wait = Millis::of(longest);
        self
    }

    /// Whether a query that failed and has no data is fetched again when somebody new watches it. Default
    /// yes.
    pub fn retry_on_mount(mut self, retries: bool) -> Self {
        self.policy.plain.retry_on_mount = retries;
        self
    }

    /// When data is stale. Default: at once.
    pub fn stale(mut self, stale: StaleTime) -> Self {
        self.policy.plain.stale = stale.fresh();
        self
    }

    /// Data is fresh for this long after it arrived: [`StaleTime::After`]. Default zero.
    pub fn stale_after(self, fresh: Duration) -> Self {
        self.stale(StaleTime::After(fresh))
    }

    /// How long data that nobody watches is kept. Default: five minutes.
    pub fn gc(mut self, gc: GcTime) -> Self {
        self.policy.plain.gc = gc.millis();
        self
    }

    /// Data that nobody watches is kept for this long: [`GcTime::After`]. Default five minutes.
    pub fn gc_after(self, keep: Duration) -> Self {
        self.gc(GcTime::After(keep))
    }

    /// What the fetch has to do with the network. Default [`NetworkMode::Online`].
    pub fn network(mut self, mode: NetworkMode) -> Self {
        self.policy.plain.network = mode;
        self
    }

    /// Whether somebody new who watches it is a reason to fetch. Without data it is fetched in any case.
    /// Default [`Refetch::WhenStale`].
    pub fn refetch_on_mount(mut self, refetch: Refetch) -> Self {
        self.policy.plain.on_mount = refetch;
        self
    }

    /// Whether the page's being seen again is a reason to fetch. Default [`Refetch::WhenStale`].
    pub fn refetch_on_focus(mut self, refetch: Refetch) -> Self {
        self.policy.plain.on_focus = refetch;
        self
    }

    /// Whether the network's coming back is a reason to fetch. Default [`Refetch::WhenStale`]; makes no
    /// difference for [`NetworkMode::Always`].
    pub fn refetch_on_reconnect(mut self, refetch: Refetch) -> Self {
        self.policy.plain.on_reconnect = refetch;
        self
    }

    /// Fetches again this long after the last answer, for as long as whoever asked for it watches. Zero
    /// turns it off, as it is by default. Not while the page is hidden.
    pub fn interval(mut self, every: Duration) -> Self {
        let interval = Interval { every: Millis::of(every), poller: see_to_intervals };
        self.policy.custom().interval = (!every.is_zero()).then_some(interval);
        self
    }

    /// Keeps to the [`interval`](QueryOptions::interval) while the page is hidden, too. Default no.
    pub fn interval_in_background(mut self, goes_on: bool) -> Self {
        self.policy.plain.in_background = goes_on;
        self
    }

    /// Whether watching it fetches it. Whoever is disabled sees what others fetch, and may ask for a fetch.
    /// Default yes.
    pub fn enabled(mut self, enabled: bool) -> Self {
        self.policy.plain.enabled = enabled;
        self
    }

    /// Whether an observer that turns to another key shows the old key's data, marked as placeholder, until
    /// the new key has some. Default no.
    pub fn keep_previous(mut self, keep: bool) -> Self {
        self.policy.plain.keep_previous = keep;
        self
    }

    /// Whether a fetch goes on when nobody wants its answer any more: because it is dear, or does something
    /// on the server. Default no: it is dropped.
    pub fn finishes_unwatched(mut self, finishes: bool) -> Self {
        self.policy.plain.finishes_unwatched = finishes;
        self
    }

    /// Whether what it fetches is the same for everybody, so that it outlives the scope: shown while a scope
    /// is held, kept when it ends. Default no.
    pub fn public(mut self, public: bool) -> Self {
        self.policy.plain.public = public;
        self
    }

    /// A value for the fetch ([`FetchContext::meta`](crate::FetchContext::meta)) and for filters and events.
    pub fn meta<M: 'static>(mut self, meta: M) -> Self {
        self.policy.custom().meta = Some(Rc::new(meta));
        self
    }
}

impl<Q: Query> QueryOptions<Q> {
    /// Asked, in addition to the error's [class](crate::Classify), whether an error is worth another
    /// attempt. Errors that class themselves permanent or unauthorized are not tried again in any case.
    pub fn retry_if(mut self, judge: impl Fn(&Q::Error) -> bool + 'static) -> Self {
        self.policy.custom().retry_if =
            Some(Rc::new(move |error: &dyn Any| error.downcast_ref::<Q::Error>().is_none_or(&judge)));
        self
    }

    /// An answer, or a write, that equals the data there is leaves that in place, so that nobody is told.
    /// Without this, each is taken for a change.
    pub fn keep_equal(mut self) -> Self
    where
        Q::Data: PartialEq,
    {
        fn same<T: PartialEq + 'static>(a: &dyn Any, b: &dyn Any) -> bool {
            matches!((a.downcast_ref::<T>(), b.downcast_ref::<T>()), (Some(a), Some(b)) if a == b)
        }
        self.policy.custom().same = Some(same::<Q::Data>);
        self
    }

    /// Data to begin with, put in the cache as if it had just been fetched, where there is none. Asked for
    /// when the query is first watched, and when it is reset.
    pub fn initial_data(self, data: impl Fn() -> Option<Q::Data> + 'static) -> Self {
        self.initial(move || Some((Rc::new(data()?) as Value, None)))
    }

    /// [`initial_data`](QueryOptions::initial_data) that was fetched at that moment, and may be stale.
    pub fn initial_data_of(self, data: impl Fn() -> Option<(Q::Data, Timestamp)> + 'static) -> Self {
        self.initial(move || {
            let (data, at) = data()?;
            Some((Rc::new(data) as Value, Some(at)))
        })
    }

    fn initial(mut self, initial: impl Fn() -> Option<(Value, Option<Timestamp>)> + 'static) -> Self {
        self.policy.custom().initial = Some(Rc::new(initial));
        self
    }

    /// Data to show while there is none, marked as placeholder. Not put in the cache. Called when an
    /// observer begins to watch a query without data.
    pub fn placeholder(mut self, data: impl Fn() -> Option<Q::Data> + 'static) -> Self {
        self.policy.custom().placeholder = Some(Rc::new(move || Some(Rc::new(data()?) as Value)));
        self
    }

    /// Feeds the query from outside, by a socket or a live query: called when it is first watched. What it
    /// returns is dropped when the last one lets go.
    ///
    /// ```
    /// use query_cache::{SourceContext, query, query_key, Query};
    ///
    /// # struct Socket;
    /// # impl Socket { fn open(_: impl FnMut(u32)) -> Self { Socket } }
    /// let price = query(query_key!["price"], async |_| Ok::<u32, String>(0)).with_options(|options| {
    ///     options.fed_by(|price| Socket::open(move |now| price.push(now)))
    /// });
    /// # let _ = price;
    /// ```
    pub fn fed_by<G: 'static>(
        mut self,
        source: impl Fn(SourceContext<Q::Data, Q::Error>) -> G + 'static,
    ) -> Self {
        let open = move |cx: SourceContext| Box::new(source(cx.typed())) as Box<dyn Any>;
        self.policy.custom().source = Some(Source { now: open_source, open: Rc::new(open) });
        self
    }
}
