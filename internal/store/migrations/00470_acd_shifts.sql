-- +goose Up
-- What agents spent their time with: a row for each state that has ended.
-- Written by package acd/shifts. Times are milliseconds since the epoch.
CREATE TABLE acd_shifts (
    agent  TEXT NOT NULL,
    began  INTEGER NOT NULL,
    ended  INTEGER NOT NULL,
    state  TEXT NOT NULL,
    reason TEXT NOT NULL,
    PRIMARY KEY (agent, began, state)
) STRICT, WITHOUT ROWID;
CREATE INDEX acd_shifts_began ON acd_shifts (began);

-- +goose Down
DROP TABLE acd_shifts;
