//! Requests that are repeated: the second one is answered like the first, and does nothing.

use foo_types::{Post, PostDraft};
use rusqlite::{Connection, OptionalExtension as _, params};

use super::store::{self, Caller};

/// For how long a repeated request is known again, in milliseconds: a day.
const LIFE: i64 = 24 * 60 * 60 * 1000;

/// What came of a request with an idempotency key.
pub(super) enum Replay {
    /// It was carried out now.
    First(Post),
    /// It was carried out before; this was the answer.
    Again(Post),
    /// The key was used before, for something else.
    Mismatch,
}

/// Creates a post, once for each key of a person.
pub(super) fn create(
    db: &Connection,
    caller: &Caller,
    key: &str,
    draft: &PostDraft,
    now: i64,
) -> rusqlite::Result<Replay> {
    // Of two requests at once, one comes after the other.
    db.prepare_cached("DELETE FROM replays WHERE created_at < ?1")?.execute([now - LIFE])?;
    // Where it is written belongs to the request: the same words for another organization are another.
    let request = json(&(&caller.organization, draft));
    let held = db
        .prepare_cached("SELECT request, answer FROM replays WHERE user = ?1 AND key = ?2")?
        .query_row(params![caller.user, key], |row| Ok((row.get::<_, String>(0)?, row.get::<_, String>(1)?)))
        .optional()?;
    if let Some((before, answer)) = held {
        let answer = serde_json::from_str(&answer).ok().filter(|_| before == request);
        return Ok(answer.map_or(Replay::Mismatch, Replay::Again));
    }
    let post = store::create(db, caller, draft, now)?;
    db.prepare_cached(
        "INSERT INTO replays (user, key, request, answer, created_at) VALUES (?1, ?2, ?3, ?4, ?5)",
    )?
    .execute(params![caller.user, key, request, json(&post), now])?;
    Ok(Replay::First(post))
}

fn json(value: &impl serde::Serialize) -> String {
    // Texts and numbers always have a JSON.
    serde_json::to_string(value).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use rusqlite_migration::{M, Migrations};

    use super::*;

    #[test]
    fn a_key_is_forgotten_after_a_day_and_no_sooner() {
        let mut db = Connection::open_in_memory().unwrap();
        let up = [M::up(include_str!("../../migrations/1-posts.sql"))];
        Migrations::from_slice(&up).to_latest(&mut db).unwrap();
        let caller = Caller { user: "user_ada".into(), organization: None };
        let create = |title: &str, now| {
            let draft = PostDraft { title: title.into(), body: String::new() };
            match super::create(&db, &caller, "key", &draft, now).unwrap() {
                Replay::First(post) => ("first", post.id),
                Replay::Again(post) => ("again", post.id),
                Replay::Mismatch => ("mismatch", String::new()),
            }
        };
        let day = 24 * 60 * 60 * 1000;
        assert_eq!(create("One", 5), ("first", "post_1".into()));
        assert_eq!(create("One", 5 + day), ("again", "post_1".into()));
        assert_eq!(create("Two", 5 + day), ("mismatch", String::new()));
        assert_eq!(create("Two", 6 + day), ("first", "post_2".into()));
        assert_eq!(create("One", 7 + day), ("mismatch", String::new()));
    }
}
