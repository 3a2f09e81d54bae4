//! What happens in the cache, told to those who listen.

use std::any::Any;
use std::fmt;
use std::rc::Rc;

use crate::key::QueryKey;

/// Something that happened to a query. Told one turn later, in order, to those who
/// [listen](crate::QueryClient::listen).
#[derive(Clone)]
pub struct CacheEvent {
    /// Which query.
    pub key: QueryKey,
    /// What happened to it.
    pub happening: Happening,
}

/// What can happen to a query.
#[derive(Clone)]
#[non_exhaustive]
pub enum Happening {
    /// It has an entry from now on.
    Added,
    /// Its entry is gone.
    Removed,
    /// Somebody watches it, after nobody did.
    Watched,
    /// Nobody watches it any more.
    Unwatched,
    /// A fetch begins, or goes on: an attempt is sent, or has to wait.
    Fetching {
        /// It waits for the network, the page or the scope.
        paused: bool,
    },
    /// A fetch was answered: once, however many watch.
    Fetched {
        /// The data.
        data: Rc<dyn Any>,
    },
    /// A fetch failed for good, or its source said that it did.
    FetchFailed {
        /// Its error.
        error: Rc<dyn Any>,
    },
    /// A fetch was called off, or its answer came too late.
    Cancelled,
    /// Data was written.
    Written,
    /// It was said to be out of date, for the first time since its data arrived.
    Invalidated,
    /// Data came from elsewhere: from JSON, with the time it had there.
    #[cfg(feature = "hydrate")]
    Restored,
    /// The JSON that was there for it is no data of its type, and is gone.
    #[cfg(feature = "hydrate")]
    NotDecoded {
        /// What is wrong with it, in the decoder's words.
        error: Rc<str>,
    },
    /// Two queries of different types use this key: a mistake in the program. They live as two entries. Told
    /// once for each key.
    Clash {
        /// The query that had the key.
        held: &'static str,
        /// The query that asked for it now.
        asked: &'static str,
    },
}

impl fmt::Debug for Happening {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Happening::Added => f.write_str("Added"),
            Happening::Removed => f.write_str("Removed"),
            Happening::Watched => f.write_str("Watched"),
            Happening::Unwatched => f.write_str("Unwatched"),
            Happening::Fetching { paused } => f.debug_struct("Fetching").field("paused", paused).finish(),
            Happening::Fetched { .. } => f.write_str("Fetched"),
            Happening::FetchFailed { .. } => f.write_str("FetchFailed"),
            Happening::Cancelled => f.write_str("Cancelled"),
            Happening::Written => f.write_str("Written"),
            Happening::Invalidated => f.write_str("Invalidated"),
            #[cfg(feature = "hydrate")]
            Happening::Restored => f.write_str("Restored"),
            #[cfg(feature = "hydrate")]
            Happening::NotDecoded { error } => f.debug_struct("NotDecoded").field("error", error).finish(),
            Happening::Clash { held, asked } => {
                f.debug_struct("Clash").field("held", held).field("asked", asked).finish()
            }
        }
    }
}

impl fmt::Debug for CacheEvent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?} {:?}", self.key, self.happening)
    }
}
