-- +goose Up
-- The consent ledger and the recordings; written by packages recordings/consent
-- and recordings. Times are milliseconds since the epoch, durations
-- milliseconds.

-- What each customer answered to the consent question, and withdrawals.
-- Append-only: the triggers below hold it. The last row of a contact counts.
CREATE TABLE recordings_consent (
    n             INTEGER PRIMARY KEY AUTOINCREMENT,
    contact       TEXT NOT NULL,
    state         TEXT NOT NULL CHECK (state IN ('granted', 'refused', 'announced', 'none', 'withdrawn')),
    prompt_id     TEXT NOT NULL,
    prompt_text   TEXT NOT NULL,
    prompt_sha256 TEXT NOT NULL,
    language      TEXT NOT NULL,
    key           TEXT NOT NULL,
    attempt       INTEGER NOT NULL,
    asked_at      INTEGER NOT NULL,
    at            INTEGER NOT NULL,
    by            TEXT NOT NULL
) STRICT;
CREATE INDEX recordings_consent_contact ON recordings_consent (contact, n);

-- +goose StatementBegin
CREATE TRIGGER recordings_consent_no_update BEFORE UPDATE ON recordings_consent
BEGIN
    SELECT RAISE(ABORT, 'the consent ledger is append-only');
END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER recordings_consent_no_delete BEFORE DELETE ON recordings_consent
BEGIN
    SELECT RAISE(ABORT, 'the consent ledger is append-only');
END;
-- +goose StatementEnd

-- One row for each capture. path is relative to DIR/captures. size, entries and
-- head are set when the capture is complete (state not open); head is the hash
-- after its last entry. tracks is JSON as recordings.Info shows it.
CREATE TABLE recordings_recordings (
    id       TEXT PRIMARY KEY,
    contact  TEXT NOT NULL,
    path     TEXT NOT NULL,
    line     TEXT NOT NULL,
    queue    TEXT NOT NULL,
    agent    TEXT NOT NULL,
    started  INTEGER NOT NULL,
    duration INTEGER,
    state    TEXT NOT NULL CHECK (state IN ('open', 'sealed', 'cut_off', 'failed')),
    why      TEXT NOT NULL DEFAULT '',
    consent  TEXT NOT NULL,
    tracks   TEXT NOT NULL DEFAULT '[]',
    size     INTEGER,
    entries  INTEGER,
    head     TEXT,
    hold     INTEGER NOT NULL DEFAULT 0 CHECK (hold IN (0, 1)),
    hold_by  TEXT NOT NULL DEFAULT '',
    hold_why TEXT NOT NULL DEFAULT '',
    erased_at  INTEGER,
    erased_by  TEXT NOT NULL DEFAULT '',
    erased_why TEXT NOT NULL DEFAULT ''
) STRICT;
CREATE INDEX recordings_recordings_started ON recordings_recordings (started DESC, id);
CREATE INDEX recordings_recordings_contact ON recordings_recordings (contact);
CREATE INDEX recordings_recordings_open ON recordings_recordings (state) WHERE state = 'open';

-- Who held, released and erased what, and why.
CREATE TABLE recordings_acts (
    n         INTEGER PRIMARY KEY AUTOINCREMENT,
    recording TEXT NOT NULL,
    at        INTEGER NOT NULL,
    act       TEXT NOT NULL CHECK (act IN ('hold', 'release', 'erase')),
    by        TEXT NOT NULL,
    why       TEXT NOT NULL
) STRICT;
CREATE INDEX recordings_acts_recording ON recordings_acts (recording, n);

-- +goose Down
DROP TABLE recordings_acts;
DROP TABLE recordings_recordings;
DROP TABLE recordings_consent;
