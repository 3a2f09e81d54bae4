-- Posts, newest last. `owner` is a person or an organization: whoever acts for it may read and change them.
CREATE TABLE posts (
    id         INTEGER PRIMARY KEY AUTOINCREMENT, -- never given twice, so that a cursor stays one
    owner      TEXT    NOT NULL,
    author     TEXT    NOT NULL,
    title      TEXT    NOT NULL,
    body       TEXT    NOT NULL,
    version    INTEGER NOT NULL DEFAULT 1,
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL
) STRICT;

CREATE INDEX posts_by_owner ON posts (owner, id);

-- What was answered to a request that may be repeated.
CREATE TABLE replays (
    user       TEXT    NOT NULL,
    key        TEXT    NOT NULL,
    request    TEXT    NOT NULL,
    answer     TEXT    NOT NULL,
    created_at INTEGER NOT NULL,
    PRIMARY KEY (user, key)
) STRICT, WITHOUT ROWID;

CREATE INDEX replays_by_age ON replays (created_at);
