use serde::{Deserialize, Serialize};

/// Some of a list, as clerk-js asks for it: `limit` and `offset`.
#[derive(Debug, Serialize)]
pub(crate) struct Page<T> {
    data: Vec<T>,
    /// How long the whole list is.
    total_count: usize,
}

/// Which part of a list is wanted.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(default)]
pub(crate) struct Part {
    limit: usize,
    offset: usize,
}

impl Default for Part {
    /// As Clerk has it where nothing is said.
    fn default() -> Self {
        Self { limit: 10, offset: 0 }
    }
}

impl<T> Page<T> {
    pub(crate) fn of(all: Vec<T>, part: Part) -> Self {
        let total_count = all.len();
        Self { data: all.into_iter().skip(part.offset).take(part.limit).collect(), total_count }
    }
}
