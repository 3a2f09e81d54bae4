//! `localStorage`: some five megabytes, there at once.

use std::future::ready;
use std::rc::Rc;

use query_cache::{Change, LocalBoxFuture, Storage, StorageError, Stored};

use super::{broken, storage_error};
use crate::bridge::BROWSER;

/// `localStorage`. What is stored is there at the first look, with no moment of pending; reading and writing hold up
/// the page, so it is for a few entries. Other tabs of the origin share it.
#[derive(Clone, Copy, Debug, Default)]
pub struct LocalStorage;

impl LocalStorage {
    /// The storage of this origin.
    pub fn new() -> Self {
        LocalStorage
    }
}

type Answer<T> = LocalBoxFuture<Result<T, StorageError>>;

fn storage() -> Result<web_sys::Storage, StorageError> {
    if !BROWSER {
        return Err(broken("there is no browser"));
    }
    let window = web_sys::window().ok_or_else(|| broken("there is no window"))?;
    let storage = window.local_storage().map_err(|error| storage_error(&error))?;
    storage.ok_or_else(|| broken("there is no localStorage"))
}

fn answer<T: 'static>(work: impl FnOnce(&web_sys::Storage) -> Result<T, StorageError>) -> Answer<T> {
    Box::pin(ready(storage().and_then(|storage| work(&storage))))
}

fn names(storage: &web_sys::Storage, prefix: &str) -> Result<Vec<String>, StorageError> {
    let length = storage.length().map_err(|error| storage_error(&error))?;
    let names = (0..length).filter_map(|index| storage.key(index).ok().flatten());
    Ok(names.filter(|name| name.starts_with(prefix)).collect())
}

impl Storage for LocalStorage {
    fn get(&self, name: &str) -> Answer<Option<String>> {
        answer(|storage| storage.get_item(name).map_err(|error| storage_error(&error)))
    }

    /// One after the other: when there is no room, those before it are made.
    fn write(&self, changes: Rc<[Change]>) -> Answer<()> {
        answer(|storage| {
            for change in &*changes {
                match change {
                    Change::Put(stored) => storage.set_item(&stored.name, &stored.text),
                    Change::Remove(name) => storage.remove_item(name),
                }
                .map_err(|error| storage_error(&error))?;
            }
            Ok(())
        })
    }

    fn list(&self, prefix: &str) -> Answer<Vec<Stored>> {
        answer(|storage| {
            let stored = |name: String| {
                let text = storage.get_item(&name).ok().flatten()?;
                Some(Stored { name, text })
            };
            Ok(names(storage, prefix)?.into_iter().filter_map(stored).collect())
        })
    }

    fn clear(&self, prefix: &str) -> Answer<()> {
        answer(|storage| {
            for name in names(storage, prefix)? {
                storage.remove_item(&name).map_err(|error| storage_error(&error))?;
            }
            Ok(())
        })
    }
}
