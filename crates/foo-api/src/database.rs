use std::path::Path;
use std::{fmt, time::Duration};

use rusqlite::Connection;
use rusqlite_migration::{M, Migrations};

use crate::readers::Readers;
use crate::writer::Writer;

const MIGRATIONS: &[M<'_>] = &[M::up(include_str!("../migrations/1-posts.sql"))];

/// How long another process may hold the file.
const BUSY: Duration = Duration::from_secs(5);

/// Their queries take microseconds, so that more would only wait for a core.
const READERS: usize = 4;

/// The API's SQLite database. A clone is the same one.
///
/// There is one connection that writes, for SQLite has one writer at a time anyway; a few others read, and do not
/// wait until what is written has reached the disk.
#[derive(Clone)]
pub struct Database {
    readers: Readers,
    writer: Writer,
}

/// Why the database cannot be used.
#[derive(Debug)]
#[non_exhaustive]
pub enum DatabaseError {
    /// The file cannot be opened, or is no database.
    Open(String, rusqlite::Error),
    /// There is no thread to be had.
    Thread(std::io::Error),
    /// The file cannot be brought up to date: it may be of a later version of this program.
    Migrate(String, rusqlite_migration::Error),
}

impl fmt::Display for DatabaseError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Open(file, error) => {
                write!(f, "cannot open the database {file} ({error}); set FOO_API_DATABASE to another file")
            }
            Self::Thread(error) => write!(f, "cannot start a thread for the database ({error})"),
            Self::Migrate(file, error) => write!(
                f,
                "cannot bring the database {file} up to date ({error}); it may be of a later version: set \
                 FOO_API_DATABASE to another file"
            ),
        }
    }
}

impl std::error::Error for DatabaseError {}

impl Database {
    /// Opens the file, makes it and its folder if there is none, and brings it up to date.
    ///
    /// # Errors
    ///
    /// [`DatabaseError`].
    pub fn open(file: &Path) -> Result<Self, DatabaseError> {
        let name = file.display().to_string();
        if let Some(folder) = file.parent() {
            // If it cannot be made, opening the file says so.
            let _ = std::fs::create_dir_all(folder);
        }
        let open = || connection(file).map_err(|error| DatabaseError::Open(name.clone(), error));
        let mut writer = open()?;
        Migrations::from_slice(MIGRATIONS)
            .to_latest(&mut writer)
            .map_err(|error| DatabaseError::Migrate(name.clone(), error))?;
        let mut readers = Vec::with_capacity(READERS);
        for _ in 0..READERS {
            let reader = open()?;
            let read_only = reader.pragma_update(None, "query_only", true);
            read_only.map_err(|error| DatabaseError::Open(name.clone(), error))?;
            readers.push(reader);
        }
        let readers = Readers::new(readers).map_err(DatabaseError::Thread)?;
        let writer = Writer::new(writer).map_err(DatabaseError::Thread)?;
        Ok(Self { readers, writer })
    }

    /// Runs queries that change nothing. They see everything that was answered for.
    pub(crate) async fn read<T: Send + 'static>(
        &self,
        queries: impl FnOnce(&Connection) -> Result<T, rusqlite::Error> + Send + 'static,
    ) -> Result<T, QueryFailed> {
        self.readers.run(queries).await
    }

    /// Runs queries of which some may change something, all or nothing, after those that came before.
    pub(crate) async fn write<T: Send + 'static>(
        &self,
        queries: impl FnOnce(&Connection) -> Result<T, rusqlite::Error> + Send + 'static,
    ) -> Result<T, QueryFailed> {
        self.writer.run(queries).await
    }
}

fn connection(file: &Path) -> Result<Connection, rusqlite::Error> {
    let connection = Connection::open(file)?;
    connection.busy_timeout(BUSY)?;
    // A reader does not wait for a writer, and a crash loses nothing that was answered for.
    connection.pragma_update(None, "journal_mode", "WAL")?;
    connection.pragma_update(None, "synchronous", "FULL")?;
    Ok(connection)
}

impl fmt::Debug for Database {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Database")
    }
}

/// Why there is no answer from the database. What it was about is for the log only.
#[derive(Debug)]
pub(crate) enum QueryFailed {
    /// Nothing was begun: another process holds the file, or the server is stopping.
    NotBegun,
    /// It did not work.
    Failed(String),
}

impl QueryFailed {
    pub(crate) fn of(error: impl fmt::Display) -> Self {
        Self::Failed(error.to_string())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_migrations_are_sound() {
        Migrations::from_slice(MIGRATIONS).validate().unwrap();
    }

    #[test]
    fn a_file_of_a_later_version_is_left_alone() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("later.sqlite3");
        Connection::open(&file).unwrap().pragma_update(None, "user_version", 99).unwrap();
        let error = Database::open(&file).unwrap_err().to_string();
        assert!(error.contains("FOO_API_DATABASE") && error.contains("later.sqlite3"), "{error}");
    }

    #[test]
    fn its_folder_is_made() {
        let folder = tempfile::tempdir().unwrap();
        Database::open(&folder.path().join("a/b/new.sqlite3")).unwrap();
        assert!(matches!(Database::open(folder.path()), Err(DatabaseError::Open(..))), "a folder is no file");
    }

    #[test]
    fn what_is_no_database_is_said_to_be_none() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("text.sqlite3");
        std::fs::write(&file, "not a database, and long enough to be looked at".repeat(40)).unwrap();
        assert!(matches!(Database::open(&file), Err(DatabaseError::Open(..))));
    }

    #[tokio::test]
    async fn readers_do_not_wait_for_a_writer_and_see_what_it_wrote() {
        let folder = tempfile::tempdir().unwrap();
        let database = Database::open(&folder.path().join("posts.sqlite3")).unwrap();
        let count = |db: &Connection| db.query_row("SELECT count(*) FROM posts", [], |row| row.get(0));
        let (begun, told) = std::sync::mpsc::channel();
        let (go_on, may_go_on) = std::sync::mpsc::channel::<()>();
        let writing = database.clone();
        let write = tokio::spawn(async move {
            let insert = move |db: &Connection| {
                db.execute("INSERT INTO posts VALUES (1, 'u', 'u', 't', 'b', 1, 0, 0)", [])?;
                begun.send(()).unwrap();
                may_go_on.recv().unwrap();
                Ok(())
            };
            writing.write(insert).await.unwrap();
        });
        tokio::task::spawn_blocking(move || told.recv().unwrap()).await.unwrap();
        let before: i64 = database.read(count).await.unwrap();
        go_on.send(()).unwrap();
        write.await.unwrap();
        let after: i64 = database.read(count).await.unwrap();
        assert_eq!((before, after), (0, 1));
    }

    #[tokio::test]
    async fn a_reader_changes_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let database = Database::open(&folder.path().join("posts.sqlite3")).unwrap();
        let failed = database.read(|db| db.execute("DELETE FROM posts", [])).await;
        assert!(matches!(failed, Err(QueryFailed::Failed(why)) if why.contains("readonly")));
        assert_eq!(database.write(|db| db.execute("DELETE FROM posts", [])).await.unwrap(), 0);
    }

    #[tokio::test]
    async fn whoever_panics_takes_no_connection_away() {
        let folder = tempfile::tempdir().unwrap();
        let database = Database::open(&folder.path().join("posts.sqlite3")).unwrap();
        for _ in 0..READERS + 1 {
            assert!(database.read::<()>(|_| panic!()).await.is_err());
            assert!(database.write::<()>(|_| panic!()).await.is_err());
        }
        assert!(database.read(|_| Ok(())).await.is_ok());
        assert!(database.write(|_| Ok(())).await.is_ok());
    }

    /// More at once than there are threads for blocking work, which others need too.
    #[tokio::test]
    async fn who_waits_for_a_connection_holds_no_thread() {
        let folder = tempfile::tempdir().unwrap();
        let database = Database::open(&folder.path().join("posts.sqlite3")).unwrap();
        let gate = std::sync::Arc::new(std::sync::Barrier::new(READERS + 1));
        let first = (0..READERS).map(|_| {
            let gate = gate.clone();
            database.read(move |_| {
                gate.wait();
                Ok(())
            })
        });
        let first = futures_util::future::join_all(first);
        let others = futures_util::future::join_all((0..2000).map(|_| database.read(|_| Ok(()))));
        let elsewhere = async {
            tokio::task::yield_now().await;
            let gate = gate.clone();
            tokio::task::spawn_blocking(move || gate.wait()).await.unwrap();
        };
        let (first, others, ()) = tokio::join!(first, others, elsewhere);
        assert!(first.iter().chain(&others).all(Result::is_ok));
    }
}
