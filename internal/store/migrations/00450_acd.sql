-- +goose Up
-- How the queues stand, so that a restart loses nobody's place: one row of
-- acd.Snapshot as JSON, and the key under which callers' numbers are hashed in it.
CREATE TABLE acd_state (
    one   INTEGER PRIMARY KEY CHECK (one = 1),
    at    INTEGER NOT NULL,
    state TEXT NOT NULL
) STRICT;

CREATE TABLE acd_secret (
    one INTEGER PRIMARY KEY CHECK (one = 1),
    key BLOB NOT NULL
) STRICT;

-- The agent of a caller's last call, and how many usually call.
CREATE INDEX call_calls_caller ON call_calls (caller, answered);

-- +goose Down
DROP INDEX call_calls_caller;
DROP TABLE acd_secret;
DROP TABLE acd_state;
