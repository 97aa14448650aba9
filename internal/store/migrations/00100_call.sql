-- +goose Up
-- Calls and their timelines; written by package call. Times are milliseconds
-- since the epoch.
CREATE TABLE call_calls (
    id        TEXT PRIMARY KEY,
    line      TEXT NOT NULL,
    caller    TEXT NOT NULL,
    queue     TEXT,
    agent     TEXT,
    started   INTEGER NOT NULL,
    answered  INTEGER,
    ended     INTEGER,
    end_by    TEXT,
    end_class TEXT,
    end_sip   INTEGER,
    end_why   TEXT,
    end_q850  INTEGER,
    consent   TEXT NOT NULL,
    recording TEXT,
    disposition TEXT,
    note      TEXT
) STRICT;
CREATE INDEX call_calls_started ON call_calls (started DESC, id);

CREATE TABLE call_events (
    contact TEXT NOT NULL REFERENCES call_calls (id) ON DELETE CASCADE,
    n       INTEGER NOT NULL,
    at      INTEGER NOT NULL,
    kind    TEXT NOT NULL,
    leg     TEXT,
    text    TEXT NOT NULL,
    data    TEXT,
    PRIMARY KEY (contact, n)
) STRICT, WITHOUT ROWID;

-- +goose Down
DROP TABLE call_events;
DROP TABLE call_calls;
