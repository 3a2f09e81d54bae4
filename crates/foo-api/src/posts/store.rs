//! What SQL there is. What writes is run by [`Database::write`](crate::database::Database::write), all or nothing.

use foo_types::{Post, PostDraft};
use rusqlite::{Connection, OptionalExtension as _, Row, params};

/// On whose behalf a request is made.
#[derive(Clone, Debug)]
pub(super) struct Caller {
    pub user: String,
    pub organization: Option<String>,
}

impl Caller {
    /// To whom belongs what the caller writes: the active organization, or the person. Whoever acts for it
    /// may see and change that, and the person's own.
    fn owner(&self) -> &str {
        self.organization.as_deref().unwrap_or(&self.user)
    }
}

const COLUMNS: &str = "id, owner, author, title, body, version, created_at, updated_at";

fn post(row: &Row<'_>) -> rusqlite::Result<Post> {
    let (owner, author): (String, String) = (row.get(1)?, row.get(2)?);
    Ok(Post {
        id: format!("post_{}", row.get::<_, i64>(0)?),
        organization_id: (owner != author).then_some(owner),
        author_id: author,
        title: row.get(3)?,
        body: row.get(4)?,
        version: row.get(5)?,
        created_at: row.get(6)?,
        updated_at: row.get(7)?,
    })
}

/// The newest posts that the caller may see, of those older than `before`.
pub(super) fn page(db: &Connection, caller: &Caller, before: i64, limit: i64) -> rusqlite::Result<Vec<Post>> {
    let sql =
        format!("SELECT {COLUMNS} FROM posts WHERE owner IN (?1, ?2) AND id < ?3 ORDER BY id DESC LIMIT ?4");
    let mut found = db.prepare_cached(&sql)?;
    let rows = found.query_map(params![caller.user, caller.owner(), before, limit], post)?;
    rows.collect()
}

pub(super) fn one(db: &Connection, caller: &Caller, id: i64) -> rusqlite::Result<Option<Post>> {
    let sql = format!("SELECT {COLUMNS} FROM posts WHERE id = ?1 AND owner IN (?2, ?3)");
    db.prepare_cached(&sql)?.query_row(params![id, caller.user, caller.owner()], post).optional()
}

pub(super) fn create(
    db: &Connection,
    caller: &Caller,
    draft: &PostDraft,
    now: i64,
) -> rusqlite::Result<Post> {
    let sql = format!(
        "INSERT INTO posts (owner, author, title, body, created_at, updated_at)
         VALUES (?1, ?2, ?3, ?4, ?5, ?5) RETURNING {COLUMNS}"
    );
    db.prepare_cached(&sql)?
        .query_row(params![caller.owner(), caller.user, draft.title, draft.body, now], post)
}

/// What came of a change that named the version it is of.
pub(super) enum Changed<T> {
    Done(T),
    NotFound,
    /// It has another version by now.
    Newer,
}

/// Changes a post if it still has one of these versions; `None`: any.
pub(super) fn edit(
    db: &Connection,
    caller: &Caller,
    id: i64,
    versions: Option<&[i64]>,
    draft: &PostDraft,
    now: i64,
) -> rusqlite::Result<Changed<Post>> {
    change(db, caller, id, versions, |db| {
        let sql = format!(
            "UPDATE posts SET title = ?2, body = ?3, version = version + 1, updated_at = ?4
             WHERE id = ?1 RETURNING {COLUMNS}"
        );
        db.prepare_cached(&sql)?.query_row(params![id, draft.title, draft.body, now], post)
    })
}

pub(super) fn delete(
    db: &Connection,
    caller: &Caller,
    id: i64,
    versions: Option<&[i64]>,
) -> rusqlite::Result<Changed<()>> {
    change(db, caller, id, versions, |db| {
        db.prepare_cached("DELETE FROM posts WHERE id = ?1")?.execute([id]).map(drop)
    })
}

fn change<T>(
    db: &Connection,
    caller: &Caller,
    id: i64,
    versions: Option<&[i64]>,
    act: impl FnOnce(&Connection) -> rusqlite::Result<T>,
) -> rusqlite::Result<Changed<T>> {
    // Nobody writes in between: of two edits of one version, one comes too late.
    let Some(held) = one(db, caller, id)? else { return Ok(Changed::NotFound) };
    if versions.is_some_and(|versions| !versions.contains(&held.version)) {
        return Ok(Changed::Newer);
    }
    act(db).map(Changed::Done)
}
