-- +goose Up
-- Who set a call's disposition: agent or system. Before, agents alone did.
ALTER TABLE call_calls ADD COLUMN disposition_by TEXT;
UPDATE call_calls SET disposition_by = 'agent' WHERE COALESCE(disposition, '') <> '';
-- Agents who are done with a call that has not ended. Written by package call.
CREATE TABLE call_wrapups (
    contact TEXT PRIMARY KEY REFERENCES call_calls (id) ON DELETE CASCADE,
    agent   TEXT NOT NULL,
    at      INTEGER NOT NULL,
    why     TEXT NOT NULL
) STRICT, WITHOUT ROWID;

-- +goose Down
DROP TABLE call_wrapups;
ALTER TABLE call_calls DROP COLUMN disposition_by;
