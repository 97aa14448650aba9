-- +goose Up
-- People, their sessions and the audit log; written by package api. Times are
-- milliseconds since the epoch.
CREATE TABLE api_users (
    user        TEXT PRIMARY KEY,
    name        TEXT NOT NULL,
    role        TEXT NOT NULL,
    hash        TEXT NOT NULL, -- argon2id, in the reference implementation's form
    must_change INTEGER NOT NULL,
    disabled    INTEGER NOT NULL,
    created     INTEGER NOT NULL,
    changed     INTEGER NOT NULL
) STRICT;

-- A session is known by the SHA-256 of its token; the token itself is nowhere.
CREATE TABLE api_sessions (
    hash    BLOB PRIMARY KEY,
    user    TEXT NOT NULL,
    created INTEGER NOT NULL,
    expires INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX api_sessions_user ON api_sessions (user);

CREATE TABLE api_audit (
    n       INTEGER PRIMARY KEY AUTOINCREMENT,
    at      INTEGER NOT NULL,
    who     TEXT NOT NULL,
    action  TEXT NOT NULL,
    target  TEXT NOT NULL,
    details TEXT NOT NULL -- JSON
) STRICT;

-- +goose Down
DROP TABLE api_audit;
DROP TABLE api_sessions;
DROP TABLE api_users;
