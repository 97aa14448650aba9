-- +goose Up
-- What is to be done after a call: callbacks, voicemails, notes of agents to
-- themselves, promises with a deadline. Times are milliseconds since the epoch.
CREATE TABLE acd_tasks (
    id          TEXT PRIMARY KEY,
    kind        TEXT NOT NULL,
    state       TEXT NOT NULL,
    queue       TEXT NOT NULL,
    agent       TEXT NOT NULL,
    line        TEXT NOT NULL,
    caller      TEXT NOT NULL,
    language    TEXT NOT NULL,
    call        TEXT NOT NULL,
    recording   TEXT NOT NULL,
    length_ms   INTEGER NOT NULL,
    note        TEXT NOT NULL,
    priority    INTEGER NOT NULL,
    tries       INTEGER NOT NULL,
    reminded    INTEGER NOT NULL,
    remind_ms   INTEGER NOT NULL,
    made        INTEGER NOT NULL,
    since       INTEGER NOT NULL,
    due         INTEGER,
    next        INTEGER,
    disposition TEXT NOT NULL,
    closed_by   TEXT NOT NULL,
    closed      INTEGER
) STRICT;
CREATE INDEX acd_tasks_open ON acd_tasks (state, due);
CREATE INDEX acd_tasks_made ON acd_tasks (made DESC);

-- When a caller joined the first queue, so that waits are not counted from the
-- beginning of the menu.
ALTER TABLE call_calls ADD COLUMN queued INTEGER;

-- +goose Down
ALTER TABLE call_calls DROP COLUMN queued;
DROP TABLE acd_tasks;
