-- +goose Up
-- Where a call comes from beside its number, and the SIP messages of its legs
-- without their secrets (at in microseconds); these are forgotten after a while.
ALTER TABLE call_calls ADD COLUMN caller_name TEXT;
ALTER TABLE call_calls ADD COLUMN trust TEXT;
ALTER TABLE call_calls ADD COLUMN attest TEXT;
ALTER TABLE call_calls ADD COLUMN diverted_from TEXT;
ALTER TABLE call_calls ADD COLUMN diverted_why TEXT;
CREATE TABLE call_messages (
    contact     TEXT NOT NULL REFERENCES call_calls (id) ON DELETE CASCADE,
    n           INTEGER NOT NULL,
    at          INTEGER NOT NULL,
    leg         TEXT NOT NULL,
    sent        INTEGER NOT NULL,
    transport   TEXT NOT NULL,
    source      TEXT NOT NULL,
    destination TEXT NOT NULL,
    text        TEXT NOT NULL,
    PRIMARY KEY (contact, n)
) STRICT, WITHOUT ROWID;
CREATE INDEX call_messages_at ON call_messages (at);

-- +goose Down
DROP TABLE call_messages;
ALTER TABLE call_calls DROP COLUMN diverted_why;
ALTER TABLE call_calls DROP COLUMN diverted_from;
ALTER TABLE call_calls DROP COLUMN attest;
ALTER TABLE call_calls DROP COLUMN trust;
ALTER TABLE call_calls DROP COLUMN caller_name;
