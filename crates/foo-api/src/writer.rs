use std::panic::{AssertUnwindSafe, catch_unwind};

use rusqlite::{Connection, Transaction, TransactionBehavior};
use tokio::sync::{mpsc, oneshot};

use crate::database::QueryFailed;

/// How many may wait in line before the next has to wait to stand in it.
const LINE: usize = 1024;

/// The most that are written together.
const MOST: usize = 128;

/// The one connection that writes, on a thread of its own, which ends with the last clone.
///
/// What came while the disk was busy is written together: the disk is waited for once for all of them, and each is
/// answered only when it is safe. Each is all or nothing by itself, and what fails takes no other along.
#[derive(Clone)]
pub(crate) struct Writer {
    jobs: mpsc::Sender<Job>,
}

/// Carries out somebody's queries, and gives what tells them once it is known whether all of it reached the disk.
type Job = Box<dyn FnOnce(&mut Transaction<'_>) -> Tell + Send>;
type Tell = Box<dyn FnOnce(&rusqlite::Result<()>)>;

impl Writer {
    pub(crate) fn new(mut db: Connection) -> std::io::Result<Self> {
        let (jobs, mut line) = mpsc::channel(LINE);
        std::thread::Builder::new().name("writer".into()).spawn(move || {
            while let Some(first) = line.blocking_recv() {
                write_together(&mut db, first, &mut line);
            }
        })?;
        Ok(Self { jobs })
    }

    /// Runs queries, all or nothing, after those that came before. Whoever gives up before it is their turn has
    /// asked for nothing.
    pub(crate) async fn run<T: Send + 'static>(
        &self,
        queries: impl FnOnce(&Connection) -> rusqlite::Result<T> + Send + 'static,
    ) -> Result<T, QueryFailed> {
        let (sender, answer) = oneshot::channel();
        let job: Job = Box::new(move |transaction| {
            if sender.is_closed() {
                return Box::new(|_| {});
            }
            let result = all_or_nothing(transaction, queries);
            Box::new(move |committed| {
                let committed = committed.as_ref().map_err(QueryFailed::of);
                // Whoever went away does not want to know.
                let _ = sender.send(committed.and(result));
            })
        });
        self.jobs.send(job).await.map_err(|_| QueryFailed::NotBegun)?;
        // What was dropped unasked was not begun.
        answer.await.map_err(|_| QueryFailed::NotBegun)?
    }
}

fn write_together(db: &mut Connection, first: Job, line: &mut mpsc::Receiver<Job>) {
    let mut to_tell: Vec<Tell> = Vec::new();
    let committed =
        db.transaction_with_behavior(TransactionBehavior::Immediate).and_then(|mut transaction| {
            let mut next = Some(first);
            while let Some(job) = next {
                to_tell.push(job(&mut transaction));
                // A full disk, for one, ends the whole transaction: nothing more must be done as if it were under way.
                let goes_on = to_tell.len() < MOST && !transaction.is_autocommit();
                next = if goes_on { line.try_recv().ok() } else { None };
            }
            transaction.commit()
        });
    if let Err(error) = &committed {
        tracing::error!(%error, "what was to be written is not");
    }
    to_tell.into_iter().for_each(|tell| tell(&committed));
}

fn all_or_nothing<T>(
    transaction: &mut Transaction<'_>,
    queries: impl FnOnce(&Connection) -> rusqlite::Result<T>,
) -> Result<T, QueryFailed> {
    // A panic must not end the thread; on its way the savepoint is rolled back, as it is by an error.
    let run = AssertUnwindSafe(|| {
        let savepoint = transaction.savepoint()?;
        let done = queries(&savepoint)?;
        savepoint.commit().map(|()| done)
    });
    let result = catch_unwind(run).map_err(|_| QueryFailed::of("the queries panicked"))?;
    result.map_err(QueryFailed::of)
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc::{Receiver, Sender, channel};

    use futures_util::future::join_all;

    use super::*;

    fn writer(file: &std::path::Path) -> Writer {
        let db = Connection::open(file).unwrap();
        db.execute_batch("PRAGMA journal_mode = WAL; CREATE TABLE numbers (number INTEGER PRIMARY KEY)")
            .unwrap();
        Writer::new(db).unwrap()
    }

    fn numbers(file: &std::path::Path) -> Vec<i64> {
        let db = Connection::open(file).unwrap();
        let mut all = db.prepare("SELECT number FROM numbers ORDER BY number").unwrap();
        all.query_map([], |row| row.get(0)).unwrap().map(Result::unwrap).collect()
    }

    fn insert(db: &Connection, number: i64) -> rusqlite::Result<usize> {
        db.execute("INSERT INTO numbers VALUES (?1)", [number])
    }

    /// Whatever is asked for while this one runs is written together with it.
    async fn first(writer: &Writer, go: Receiver<()>) -> Result<(), QueryFailed> {
        writer
            .run(move |db| {
                go.recv().unwrap();
                insert(db, 0).map(drop)
            })
            .await
    }

    /// Once everything else has been polled, and so stands in line.
    async fn let_go(go: Sender<()>) {
        tokio::task::yield_now().await;
        go.send(()).unwrap();
    }

    #[tokio::test]
    async fn what_fails_takes_no_other_along() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("x.sqlite3");
        let writer = writer(&file);
        let (go, wait) = channel();
        let others = (1..=9).map(|number| {
            writer.run(move |db| {
                insert(db, number)?;
                match number {
                    3 => insert(db, number),
                    6 => panic!("on purpose"),
                    _ => Ok(1),
                }
            })
        });
        let (first, others, ()) = tokio::join!(first(&writer, wait), join_all(others), let_go(go));
        first.unwrap();
        let worked: Vec<bool> = others.iter().map(Result::is_ok).collect();
        assert_eq!(worked, [true, true, false, true, true, false, true, true, true]);
        assert_eq!(numbers(&file), [0, 1, 2, 4, 5, 7, 8, 9]);
        assert!(writer.run(|db| insert(db, 10)).await.is_ok(), "and the thread is still there");
    }

    #[tokio::test]
    async fn nobody_is_told_of_what_did_not_reach_the_disk() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("x.sqlite3");
        let writer = writer(&file);
        let (go, wait) = channel();
        // As a full disk does.
        let broken = writer.run(|db| db.execute_batch("ROLLBACK"));
        let after = writer.run(|db| insert(db, 2));
        let (first, broken, after, ()) = tokio::join!(first(&writer, wait), broken, after, let_go(go));
        assert!(first.is_err() && broken.is_err());
        assert!(after.is_ok(), "who was still in line is not concerned");
        assert_eq!(numbers(&file), [2]);
    }

    #[tokio::test]
    async fn while_another_process_writes_nothing_is_begun() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("x.sqlite3");
        drop(writer(&file));
        let db = Connection::open(&file).unwrap();
        db.busy_timeout(std::time::Duration::ZERO).unwrap();
        let writer = Writer::new(db).unwrap();
        let other = Connection::open(&file).unwrap();
        other.execute_batch("BEGIN IMMEDIATE").unwrap();
        for _ in 0..3 {
            assert!(matches!(writer.run(|db| insert(db, 1)).await, Err(QueryFailed::NotBegun)));
        }
        other.execute_batch("ROLLBACK").unwrap();
        assert!(writer.run(|db| insert(db, 1)).await.is_ok());
        assert_eq!(numbers(&file), [1]);
    }

    #[tokio::test]
    async fn who_gives_up_in_line_has_asked_for_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("x.sqlite3");
        let writer = writer(&file);
        let (go, wait) = channel();
        let busy = writer.clone();
        let first = tokio::spawn(async move { first(&busy, wait).await });
        tokio::task::yield_now().await;
        let impatient = tokio::time::timeout(std::time::Duration::ZERO, writer.run(|db| insert(db, 1)));
        assert!(impatient.await.is_err());
        go.send(()).unwrap();
        first.await.unwrap().unwrap();
        assert!(writer.run(|db| insert(db, 2)).await.is_ok());
        assert_eq!(numbers(&file), [0, 2]);
    }

    #[tokio::test]
    async fn more_than_are_written_at_once_are_all_written() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("x.sqlite3");
        let writer = writer(&file);
        let all = (0..3000).map(|number| writer.run(move |db| insert(db, number)));
        assert!(join_all(all).await.iter().all(Result::is_ok));
        assert_eq!(numbers(&file).len(), 3000);
    }
}
