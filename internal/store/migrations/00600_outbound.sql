-- +goose Up
-- Calls out: what counts towards the caps, and what was spent.
CREATE TABLE outbound_calls (
    id       TEXT PRIMARY KEY,
    contact  TEXT NOT NULL,
    line     TEXT NOT NULL,
    purpose  TEXT NOT NULL,
    by_user  TEXT NOT NULL,
    number   TEXT NOT NULL,
    kind     TEXT NOT NULL,
    trunks   TEXT NOT NULL,
    began    INTEGER NOT NULL,
    answered INTEGER,
    ended    INTEGER NOT NULL,
    cost     REAL NOT NULL
) STRICT;
CREATE INDEX outbound_calls_began ON outbound_calls (began);

-- Numbers that are not called.
CREATE TABLE outbound_do_not_call (
    number TEXT PRIMARY KEY,
    since  INTEGER NOT NULL,
    by_user TEXT NOT NULL,
    why    TEXT NOT NULL
) STRICT;

-- One row: whether all calls out are stopped, and since when the caps count.
CREATE TABLE outbound_state (
    one      INTEGER PRIMARY KEY CHECK (one = 1),
    stopped  INTEGER,
    stopped_by TEXT NOT NULL,
    why      TEXT NOT NULL,
    counts_from INTEGER NOT NULL
) STRICT;

-- +goose Down
DROP TABLE outbound_state;
DROP TABLE outbound_do_not_call;
DROP TABLE outbound_calls;
