//! How tabs share a cache.

use std::fmt;
use std::rc::Rc;
use std::time::Duration;

use super::{Channel, Locks};
use crate::environment::Millis;

/// How tabs share a cache: for [`QueryClient::share_with_tabs`].
pub struct Tabs {
    pub(super) channel: Rc<dyn Channel>,
    pub(super) locks: Rc<dyn Locks>,
    pub(super) app: String,
    pub(super) build: String,
    pub(super) patience: Millis,
    pub(super) lock_timeout: Millis,
}

impl Tabs {
    /// Over this channel and these locks, with tabs of this build: a version, a commit. Others are not heard.
    pub fn new(
        channel: impl Channel + 'static,
        locks: impl Locks + 'static,
        build: impl Into<String>,
    ) -> Self {
        Tabs {
            channel: Rc::new(channel),
            locks: Rc::new(locks),
            app: "query-cache".to_owned(),
            build: build.into(),
            patience: Millis(50),
            lock_timeout: Millis(10_000),
        }
    }

    /// What the app is called: tabs of others are not heard. Default `query-cache`.
    pub fn app(mut self, name: impl Into<String>) -> Self {
        self.app = name.into();
        self
    }

    /// How long a fetch waits for another tab to say that it has the data. Default 50 ms. A tab that is alone does
    /// not wait.
    pub fn patience(mut self, wait: Duration) -> Self {
        self.patience = Millis::of(wait);
        self
    }

    /// How long a fetch waits for another tab that is fetching the same. Then it is sent from this tab, too: the other
    /// may be frozen, or its server never answer. While it is stuck so, this tab does not wait for it again. Longer
    /// than a slow answer takes, with its retries. Default 10 s.
    pub fn lock_timeout(mut self, wait: Duration) -> Self {
        self.lock_timeout = Millis::of(wait);
        self
    }
}

impl fmt::Debug for Tabs {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tabs").field("app", &self.app).field("build", &self.build).finish_non_exhaustive()
    }
}
