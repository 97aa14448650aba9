-- +goose Up
-- What other systems are told: one row for each event and webhook, written in
-- the transaction of the event itself. Times are milliseconds since the epoch.
CREATE TABLE crm_deliveries (
    seq      INTEGER PRIMARY KEY AUTOINCREMENT,
    id       TEXT NOT NULL UNIQUE,
    webhook  TEXT NOT NULL,
    contact  TEXT NOT NULL,
    event    TEXT NOT NULL,
    body     TEXT NOT NULL,
    state    TEXT NOT NULL,
    tries    INTEGER NOT NULL,
    made     INTEGER NOT NULL,
    next     INTEGER NOT NULL,
    tried    INTEGER,
    status   INTEGER NOT NULL,
    took     INTEGER NOT NULL,
    error    TEXT NOT NULL
) STRICT;
CREATE INDEX crm_deliveries_due ON crm_deliveries (webhook, state, next);
CREATE INDEX crm_deliveries_order ON crm_deliveries (webhook, contact, state, seq);

-- +goose Down
DROP TABLE crm_deliveries;
