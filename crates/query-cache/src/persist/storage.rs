//! What a storage has to do.

use std::fmt;
use std::rc::Rc;

use crate::environment::LocalBoxFuture;

/// Somewhere to keep text under names: IndexedDB, `localStorage`, a map. Each call begins its work before it
/// returns; what it returns is only to be waited for. Work that was begun is finished, though nobody waits.
pub trait Storage {
    /// What is kept under this name.
    fn get(&self, name: &str) -> LocalBoxFuture<Result<Option<String>, StorageError>>;

    /// Makes these changes, in order: all or none, where that can be done.
    fn write(&self, changes: Rc<[Change]>) -> LocalBoxFuture<Result<(), StorageError>>;

    /// All that is kept under names that begin with this.
    fn list(&self, prefix: &str) -> LocalBoxFuture<Result<Vec<Stored>, StorageError>>;

    /// Removes all that is kept under names that begin with this.
    fn clear(&self, prefix: &str) -> LocalBoxFuture<Result<(), StorageError>>;
}

/// A change to a storage.
#[derive(Clone, PartialEq, Eq)]
pub enum Change {
    /// Keeps this text under this name, in place of any before.
    Put(Stored),
    /// Keeps nothing under this name. No error if nothing is.
    Remove(String),
}

/// Text under a name. `Debug` shows the name and how long the text is.
#[derive(Clone, PartialEq, Eq)]
pub struct Stored {
    /// The name: any text.
    pub name: String,
    /// What is kept under it.
    pub text: String,
}

impl fmt::Debug for Stored {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {} bytes", self.name, self.text.len())
    }
}

impl fmt::Debug for Change {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Change::Put(stored) => write!(f, "Put({stored:?})"),
            Change::Remove(name) => write!(f, "Remove({name})"),
        }
    }
}

/// Why a storage did not do what it was asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum StorageError {
    /// There is no room for it.
    Full,
    /// It does not work, for this reason: it is forbidden, blocked, or gone.
    Broken(Rc<str>),
}

impl fmt::Display for StorageError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            StorageError::Full => f.write_str("the storage is full"),
            StorageError::Broken(why) => write!(f, "the storage does not work: {why}"),
        }
    }
}

impl std::error::Error for StorageError {}
