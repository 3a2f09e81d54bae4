//! What the options of a query come to, without its types.

use std::any::Any;
use std::fmt;
use std::rc::Rc;

use crate::context::SourceContext;
use crate::engine::{Effects, Engine, Poller, Value};
use crate::environment::{Millis, Timestamp};
use crate::options::{NetworkMode, Refetch};
use crate::slab::Slot;

/// For how long data is fresh.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) struct Fresh(Millis);

/// As the option is written.
impl fmt::Debug for Fresh {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Fresh::ALWAYS => f.write_str("Static"),
            Fresh::UNTIL_INVALIDATED => f.write_str("WhenInvalidated"),
            Fresh(millis) => f.debug_tuple("After").field(&millis).finish(),
        }
    }
}

impl Fresh {
    /// Invalidated or not.
    pub const ALWAYS: Fresh = Fresh(Millis(u64::MAX));
    /// As long as this is no time that ever passes.
    pub const UNTIL_INVALIDATED: Fresh = Fresh(Millis(u64::MAX - 1));

    /// This long, if it is not invalidated before.
    pub fn of(millis: Millis) -> Self {
        Fresh(millis.min(Fresh::UNTIL_INVALIDATED.0))
    }

    /// Whether data of that moment has ceased to be fresh by the passing of time.
    pub fn is_over(self, since: Timestamp, now: Timestamp) -> bool {
        // Data of the future, by a clock set back, is not fresh for longer than fresh data is.
        now.past(since) >= self.0 || since.past(now) > self.0
    }

    /// When data of that moment ceases to be fresh.
    pub fn end(self, since: Timestamp) -> Timestamp {
        since.plus(self.0)
    }
}

/// The options that are mere values: the same for all queries of most types, so one copy is shared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Plain {
    pub retry: u32,
    pub first_wait: Millis,
    pub longest_wait: Millis,
    pub retry_on_mount: bool,
    pub stale: Fresh,
    pub gc: Millis,
    pub network: NetworkMode,
    pub on_mount: Refetch,
    pub on_focus: Refetch,
    pub on_reconnect: Refetch,
    pub in_background: bool,
    pub enabled: bool,
    pub keep_previous: bool,
    pub finishes_unwatched: bool,
    pub public: bool,
}

impl Default for Plain {
    fn default() -> Self {
        Plain {
            retry: 3,
            first_wait: Millis(1_000),
            longest_wait: Millis(30_000),
            retry_on_mount: true,
            stale: Fresh::of(Millis(0)),
            gc: Millis(5 * 60_000),
            network: NetworkMode::Online,
            on_mount: Refetch::WhenStale,
            on_focus: Refetch::WhenStale,
            on_reconnect: Refetch::WhenStale,
            in_background: false,
            enabled: true,
            keep_previous: false,
            finishes_unwatched: false,
            public: false,
        }
    }
}

pub(crate) type Judge = Rc<dyn Fn(&dyn Any) -> bool>;
pub(crate) type Compare = fn(&dyn Any, &dyn Any) -> bool;
pub(crate) type Initial = Rc<dyn Fn() -> Option<(Value, Option<Timestamp>)>>;
pub(crate) type StandIn = Rc<dyn Fn() -> Option<Value>>;

/// What feeds a query from outside.
#[derive(Clone)]
pub(crate) struct Source {
    /// Opens it, in a step of the engine.
    pub now: fn(&mut Engine, Slot, &mut Effects),
    pub open: Rc<dyn Fn(SourceContext) -> Box<dyn Any>>,
}

/// How often a query is fetched while it is watched.
pub(crate) struct Interval {
    pub every: Millis,
    pub poller: Poller,
}

/// How data becomes JSON, and is made of it. User code, both ways.
#[cfg(feature = "hydrate")]
#[derive(Clone, Copy)]
pub(crate) struct Codec {
    pub encode: fn(&dyn Any) -> Result<String, String>,
    pub decode: fn(&str) -> Result<Value, String>,
}

/// The options that hold user code or user values. The engine keeps them and touches none.
#[derive(Default)]
pub(crate) struct Custom {
    pub retry_if: Option<Judge>,
    pub same: Option<Compare>,
    pub initial: Option<Initial>,
    pub placeholder: Option<StandIn>,
    pub source: Option<Source>,
    pub interval: Option<Interval>,
    pub meta: Option<Rc<dyn Any>>,
    #[cfg(feature = "hydrate")]
    pub codec: Option<Codec>,
}

/// All options of a query.
#[derive(Default)]
pub(crate) struct Policy {
    pub plain: Plain,
    pub custom: Option<Box<Custom>>,
}

impl Policy {
    pub fn custom(&mut self) -> &mut Custom {
        self.custom.get_or_insert_default()
    }

    pub fn initial(&self) -> Option<&Initial> {
        self.custom.as_ref()?.initial.as_ref()
    }

    pub fn placeholder(&self) -> Option<&StandIn> {
        self.custom.as_ref()?.placeholder.as_ref()
    }

    pub fn source(&self) -> Option<&Source> {
        self.custom.as_ref()?.source.as_ref()
    }

    pub fn interval(&self) -> Option<&Interval> {
        self.custom.as_ref()?.interval.as_ref()
    }

    pub fn same(&self) -> Option<Compare> {
        self.custom.as_ref()?.same
    }

    pub fn retry_if(&self) -> Option<&Judge> {
        self.custom.as_ref()?.retry_if.as_ref()
    }

    pub fn meta(&self) -> Option<&Rc<dyn Any>> {
        self.custom.as_ref()?.meta.as_ref()
    }

    #[cfg(feature = "hydrate")]
    pub fn codec(&self) -> Option<Codec> {
        self.custom.as_ref()?.codec
    }
}

/// Shares the policies that are mere values: a thousand queries of one type have one.
#[derive(Default)]
pub(crate) struct Policies(Vec<Rc<Policy>>);

/// More kinds of policy than this are not shared: an app has a handful.
const SHARED: usize = 16;

impl Policies {
    pub fn share(&mut self, policy: Policy) -> Rc<Policy> {
        if policy.custom.is_some() {
            return Rc::new(policy);
        }
        if let Some(same) = self.0.iter().find(|held| held.plain == policy.plain) {
            return same.clone();
        }
        let policy = Rc::new(policy);
        if self.0.len() < SHARED {
            self.0.push(policy.clone());
        }
        policy
    }
}
