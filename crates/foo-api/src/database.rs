use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::{fmt, time::Duration};

use rusqlite::Connection;
use rusqlite_migration::{M, Migrations};

const MIGRATIONS: &[M<'_>] = &[M::up(include_str!("../migrations/1-posts.sql"))];

/// How long another process may hold the file.
const BUSY: Duration = Duration::from_secs(5);

/// The API's SQLite database. A clone is the same connection.
///
/// There is one connection: SQLite has one writer anyway, and these queries take microseconds.
#[derive(Clone)]
pub struct Database(Arc<Mutex<Connection>>);

/// Why the database cannot be used.
#[derive(Debug)]
#[non_exhaustive]
pub enum DatabaseError {
    /// The file cannot be opened, or is no database.
    Open(String, rusqlite::Error),
    /// The file cannot be brought up to date: it may be of a later version of this program.
    Migrate(String, rusqlite_migration::Error),
}

impl fmt::Display for DatabaseError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Open(file, error) => {
                write!(f, "cannot open the database {file} ({error}); set FOO_API_DATABASE to another file")
            }
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
        let open = || {
            let connection = Connection::open(file)?;
            connection.busy_timeout(BUSY)?;
            // A reader does not wait for a writer, and a crash loses nothing that was answered for.
            connection.pragma_update(None, "journal_mode", "WAL")?;
            connection.pragma_update(None, "synchronous", "FULL")?;
            Ok(connection)
        };
        let mut connection = open().map_err(|error| DatabaseError::Open(name.clone(), error))?;
        Migrations::from_slice(MIGRATIONS)
            .to_latest(&mut connection)
            .map_err(|error| DatabaseError::Migrate(name, error))?;
        Ok(Self(Arc::new(Mutex::new(connection))))
    }

    /// Runs queries, away from the threads that serve requests.
    pub(crate) async fn run<T: Send + 'static>(
        &self,
        queries: impl FnOnce(&mut Connection) -> Result<T, rusqlite::Error> + Send + 'static,
    ) -> Result<T, QueryFailed> {
        let connection = self.0.clone();
        let work = tokio::task::spawn_blocking(move || {
            // A panic in another request rolled its transaction back.
            queries(&mut connection.lock().unwrap_or_else(PoisonError::into_inner))
        });
        match work.await {
            Ok(result) => result.map_err(|error| QueryFailed(error.to_string())),
            Err(error) => Err(QueryFailed(error.to_string())),
        }
    }
}

impl fmt::Debug for Database {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Database")
    }
}

/// A query did not work. What it was about is for the log only.
#[derive(Debug)]
pub(crate) struct QueryFailed(pub String);

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
}
