use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex, PoisonError};

use rusqlite::Connection;
use tokio::sync::oneshot;

use crate::database::QueryFailed;

/// Connections that read, each on a thread of its own, for whoever comes first. The threads end with the last
/// clone.
///
/// Threads that stay, and not the runtime's for blocking work: a query takes microseconds, waking a thread for it
/// many times that, and in a line of many this adds up.
#[derive(Clone)]
pub(crate) struct Readers {
    /// No longer than there are requests under way.
    line: Sender<Job>,
}

type Job = Box<dyn FnOnce(&Connection) + Send>;

impl Readers {
    pub(crate) fn new(connections: Vec<Connection>) -> std::io::Result<Self> {
        let (line, jobs) = channel();
        let jobs = Arc::new(Mutex::new(jobs));
        for db in connections {
            let jobs = Arc::clone(&jobs);
            let work = move || {
                while let Some(job) = next(&jobs) {
                    job(&db);
                }
            };
            std::thread::Builder::new().name("reader".into()).spawn(work)?;
        }
        Ok(Self { line })
    }

    /// Runs queries. Whoever gives up before it is their turn has asked for nothing.
    pub(crate) async fn run<T: Send + 'static>(
        &self,
        queries: impl FnOnce(&Connection) -> rusqlite::Result<T> + Send + 'static,
    ) -> Result<T, QueryFailed> {
        let (sender, answer) = oneshot::channel();
        let job: Job = Box::new(move |db| {
            if sender.is_closed() {
                return;
            }
            // A panic must not end the thread; these queries leave nothing half done.
            let result = catch_unwind(AssertUnwindSafe(|| queries(db)));
            let result = result.map_err(|_| QueryFailed::of("the queries panicked"));
            // Whoever went away does not want to know.
            let _ = sender.send(result.and_then(|result| result.map_err(QueryFailed::of)));
        });
        self.line.send(job).map_err(|_| QueryFailed::NotBegun)?;
        answer.await.map_err(|_| QueryFailed::NotBegun)?
    }
}

/// Waits with the lock held: the others have nothing to do either.
fn next(jobs: &Mutex<Receiver<Job>>) -> Option<Job> {
    jobs.lock().unwrap_or_else(PoisonError::into_inner).recv().ok()
}
