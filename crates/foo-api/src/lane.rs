use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use rusqlite::Connection;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::database::QueryFailed;

/// Connections that read, for whoever comes first. Who waits for one holds no thread, and whoever gives up
/// waiting leaves the line.
#[derive(Clone)]
pub(crate) struct Lane {
    idle: Arc<Mutex<Vec<Connection>>>,
    turns: Arc<Semaphore>,
}

/// A connection that goes back whatever becomes of the queries.
struct Lent {
    connection: Option<Connection>,
    lane: Lane,
    _turn: OwnedSemaphorePermit,
}

impl Lane {
    pub(crate) fn new(connections: Vec<Connection>) -> Self {
        let turns = Arc::new(Semaphore::new(connections.len()));
        Self { idle: Arc::new(Mutex::new(connections)), turns }
    }

    /// Runs queries, away from the threads that serve requests. Once begun they run to their end, whether or not
    /// somebody still waits for it.
    pub(crate) async fn run<T: Send + 'static>(
        &self,
        queries: impl FnOnce(&Connection) -> Result<T, rusqlite::Error> + Send + 'static,
    ) -> Result<T, QueryFailed> {
        let turn = Arc::clone(&self.turns).acquire_owned().await.map_err(|error| failed(&error))?;
        let lent = Lent { connection: self.idle().pop(), lane: self.clone(), _turn: turn };
        let work = tokio::task::spawn_blocking(move || match &lent.connection {
            Some(connection) => queries(connection).map_err(|error| failed(&error)),
            // There are as many turns as connections.
            None => Err(QueryFailed("no connection is left".into())),
        });
        work.await.map_err(|error| failed(&error))?
    }

    /// No code of others runs under this lock.
    fn idle(&self) -> MutexGuard<'_, Vec<Connection>> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Before the turn ends.
impl Drop for Lent {
    fn drop(&mut self) {
        let connection = self.connection.take();
        self.lane.idle().extend(connection);
    }
}

fn failed(error: &dyn std::error::Error) -> QueryFailed {
    QueryFailed(error.to_string())
}
