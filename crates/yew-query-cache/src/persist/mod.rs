//! Where a page can keep the cache.

mod indexed_db;
mod local_storage;

pub use indexed_db::IndexedDb;
pub use local_storage::LocalStorage;

use query_cache::StorageError;
use wasm_bindgen::{JsCast, JsValue};
use web_sys::DomException;

/// What the browser says is wrong.
fn storage_error(error: &JsValue) -> StorageError {
    match error.dyn_ref::<DomException>() {
        Some(error) if error.name() == "QuotaExceededError" => StorageError::Full,
        Some(error) => broken(&format!("{}: {}", error.name(), error.message())),
        None => broken(&format!("{error:?}")),
    }
}

fn broken(why: &str) -> StorageError {
    StorageError::Broken(why.into())
}
