//! IndexedDB: as much as the browser gives, there after a moment.

use std::cell::{Cell, RefCell};
use std::fmt;
use std::future::{IntoFuture, poll_fn, ready};
use std::rc::Rc;
use std::task::{Poll, Waker};

use idb::{Database, DatabaseEvent, Factory, KeyRange, ObjectStore, ObjectStoreParams, TransactionMode};
use query_cache::{Change, LocalBoxFuture, Storage, StorageError, Stored};
use wasm_bindgen::JsValue;
use wasm_bindgen_futures::spawn_local;

use super::{broken, storage_error};
use crate::bridge::BROWSER;

/// A database of IndexedDB. Other tabs of the origin share it. It is opened when this is made.
#[derive(Clone)]
pub struct IndexedDb {
    name: Rc<str>,
    opening: Rc<RefCell<Opening>>,
}

enum Opening {
    /// Those who wait for it.
    Wait(Vec<Waker>),
    Open(Rc<Connection>),
    Failed(StorageError),
}

/// Closed when it is dropped, once what was begun is done.
struct Connection(Database);

impl Drop for Connection {
    fn drop(&mut self) {
        self.0.close();
    }
}

type Answer<T> = LocalBoxFuture<Result<T, StorageError>>;

const STORE: &str = "entries";

impl IndexedDb {
    /// The database of this name, made if there is none. The name is its own: what another program has there it
    /// cannot use.
    pub fn new(name: &str) -> Self {
        let db = IndexedDb { name: name.into(), opening: Rc::new(RefCell::new(Opening::Wait(Vec::new()))) };
        if BROWSER {
            db.open();
        } else {
            db.opening.replace(Opening::Failed(broken("there is no browser")));
        }
        db
    }

    fn open(&self) {
        let (opening, name) = (self.opening.clone(), self.name.clone());
        spawn_local(async move {
            let opened = match open(&name).await {
                Ok(database) => Opening::Open(Rc::new(Connection(database))),
                Err(error) => Opening::Failed(error_of(&error)),
            };
            if let Opening::Wait(waiting) = opening.replace(opened) {
                waiting.into_iter().for_each(Waker::wake);
            }
        });
    }

    /// The browser has closed it: in the background, or since somebody deleted it.
    fn open_again(&self, closed: &Rc<Connection>) {
        let mut opening = self.opening.borrow_mut();
        if matches!(&*opening, Opening::Open(held) if Rc::ptr_eq(held, closed)) {
            *opening = Opening::Wait(Vec::new());
            drop(opening);
            self.open();
        }
    }

    /// What came of opening it, if that is known.
    fn opened(&self) -> Option<Result<Rc<Connection>, StorageError>> {
        match &*self.opening.borrow() {
            Opening::Wait(_) => None,
            Opening::Open(database) => Some(Ok(database.clone())),
            Opening::Failed(error) => Some(Err(error.clone())),
        }
    }

    async fn wait(&self) -> Result<Rc<Connection>, StorageError> {
        poll_fn(|cx| match (self.opened(), &mut *self.opening.borrow_mut()) {
            (None, Opening::Wait(waiting)) => {
                waiting.push(cx.waker().clone());
                Poll::Pending
            }
            (Some(opened), _) => Poll::Ready(opened),
            (None, _) => Poll::Ready(Err(broken("it was opened and is not open"))),
        })
        .await
    }

    /// Has the database asked: now, if it is open, so that closing the page after this call does not undo it. It is
    /// done though nobody waits for it: a request that is dropped under way would throw where its answer arrives, and
    /// with that abort its transaction.
    fn ask<T: 'static>(
        &self,
        work: impl Fn(&Database) -> Result<LocalBoxFuture<Result<T, idb::Error>>, idb::Error> + 'static,
    ) -> Answer<T> {
        let begun = match self.opened() {
            Some(Err(error)) => return Box::pin(ready(Err(error))),
            Some(Ok(opened)) => match work(&opened.0) {
                Err(error) if is_closed(&error) => {
                    self.open_again(&opened);
                    None
                }
                begun => Some(begun),
            },
            None => None,
        };
        let begun = match begun {
            Some(begun) => Ok(begun),
            None => Err((self.clone(), work)),
        };
        let given = Rc::new(Given { answer: Cell::new(None), waker: Cell::default() });
        let gives = given.clone();
        spawn_local(async move {
            let answer = match begun {
                Ok(begun) => answer(begun).await,
                Err((db, work)) => match db.wait().await {
                    Ok(opened) => answer(work(&opened.0)).await,
                    Err(error) => Err(error),
                },
            };
            gives.answer.set(Some(answer));
            if let Some(waker) = gives.waker.take() {
                waker.wake();
            }
        });
        Box::pin(poll_fn(move |cx| {
            given.waker.set(Some(cx.waker().clone()));
            given.answer.take().map_or(Poll::Pending, Poll::Ready)
        }))
    }
}

/// An answer, for whoever waits for it.
struct Given<T> {
    answer: Cell<Option<Result<T, StorageError>>>,
    waker: Cell<Option<Waker>>,
}

impl fmt::Debug for IndexedDb {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("IndexedDb").field(&self.name).finish()
    }
}

async fn open(name: &str) -> Result<Database, idb::Error> {
    let mut request = Factory::new()?.open(name, Some(1))?;
    request.on_upgrade_needed(|event| {
        if let Ok(database) = event.database() {
            // Fails where it is there already.
            let _ = database.create_object_store(STORE, ObjectStoreParams::new());
        }
    });
    let mut database = request.await?;
    // Whoever deletes it, or opens a later version in another tab, would wait for this page to be closed.
    database.on_version_change(|event| {
        if let Some(Ok(database)) = event.target().map(Database::try_from) {
            database.close();
        }
    });
    Ok(database)
}

/// The answer to what was begun, if it was.
async fn answer<T>(
    begun: Result<LocalBoxFuture<Result<T, idb::Error>>, idb::Error>,
) -> Result<T, StorageError> {
    let answered = match begun {
        Ok(begun) => begun.await,
        Err(error) => Err(error),
    };
    answered.map_err(|error| error_of(&error))
}

/// Whether there is no connection any more. What was begun on it before that fails for another reason.
fn is_closed(error: &idb::Error) -> bool {
    let of = |error: &JsValue| js_sys::Reflect::get(error, &"name".into()).ok()?.as_string();
    let name = match error {
        idb::Error::DomException(error) => of(error),
        idb::Error::TransactionOpenFailed(error) => of(error),
        _ => None,
    };
    name.as_deref() == Some("InvalidStateError")
}

fn error_of(error: &idb::Error) -> StorageError {
    match error {
        idb::Error::DomException(error) => storage_error(error),
        idb::Error::UpdateFailed(error) | idb::Error::AddFailed(error) => storage_error(error),
        other => broken(&other.to_string()),
    }
}

fn store(database: &Database, mode: TransactionMode) -> Result<(idb::Transaction, ObjectStore), idb::Error> {
    let transaction = database.transaction(&[STORE], mode)?;
    let store = transaction.object_store(STORE)?;
    Ok((transaction, store))
}

/// Waits for a transaction. One that is aborted says why.
fn committed(transaction: idb::Transaction, store: ObjectStore) -> LocalBoxFuture<Result<(), idb::Error>> {
    // It listens from now on: whoever waits may be slower than the database.
    let done = transaction.into_future();
    Box::pin(async move {
        let result = done.await;
        if result.as_ref().is_ok_and(|result| result.is_committed()) {
            return Ok(());
        }
        match store.transaction().error() {
            Some(error) => Err(idb::Error::DomException(error)),
            None => Err(result.err().unwrap_or(idb::Error::DomExceptionNotFound)),
        }
    })
}

fn range(prefix: &str) -> Result<KeyRange, idb::Error> {
    let end = format!("{prefix}\u{ffff}");
    KeyRange::bound(&prefix.into(), &end.into(), None, None)
}

impl Storage for IndexedDb {
    fn get(&self, name: &str) -> Answer<Option<String>> {
        let name = JsValue::from(name);
        self.ask(move |database| {
            let (_, store) = store(database, TransactionMode::ReadOnly)?;
            let request = store.get(name.clone())?.into_future();
            Ok(Box::pin(async move { Ok(request.await?.and_then(|value| value.as_string())) }))
        })
    }

    /// All or none.
    fn write(&self, changes: Rc<[Change]>) -> Answer<()> {
        self.ask(move |database| {
            let (transaction, store) = store(database, TransactionMode::ReadWrite)?;
            for change in &*changes {
                match change {
                    Change::Put(stored) => {
                        drop(store.put(&stored.text.as_str().into(), Some(&stored.name.as_str().into()))?);
                    }
                    Change::Remove(name) => drop(store.delete(JsValue::from(name.as_str()))?),
                }
            }
            Ok(committed(transaction, store))
        })
    }

    fn list(&self, prefix: &str) -> Answer<Vec<Stored>> {
        let prefix = prefix.to_owned();
        self.ask(move |database| {
            let (_, store) = store(database, TransactionMode::ReadOnly)?;
            let names = store.get_all_keys(Some(range(&prefix)?.into()), None)?.into_future();
            let texts = store.get_all(Some(range(&prefix)?.into()), None)?.into_future();
            Ok(Box::pin(async move {
                let (names, texts) = (names.await?, texts.await?);
                let stored = |(name, text): (JsValue, JsValue)| {
                    Some(Stored { name: name.as_string()?, text: text.as_string()? })
                };
                Ok(names.into_iter().zip(texts).filter_map(stored).collect())
            }))
        })
    }

    fn clear(&self, prefix: &str) -> Answer<()> {
        let prefix = prefix.to_owned();
        self.ask(move |database| {
            let (transaction, store) = store(database, TransactionMode::ReadWrite)?;
            drop(store.delete(range(&prefix)?)?);
            Ok(committed(transaction, store))
        })
    }
}
