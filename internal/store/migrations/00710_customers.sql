-- +goose Up
-- Who customers are, by their number. Written by package customers.
CREATE TABLE customers_people (
    number   TEXT PRIMARY KEY,
    name     TEXT NOT NULL,
    language TEXT NOT NULL,
    vip      INTEGER NOT NULL,
    note     TEXT NOT NULL,
    changed  INTEGER NOT NULL,
    changed_by TEXT NOT NULL
) STRICT, WITHOUT ROWID;

-- +goose Down
DROP TABLE customers_people;
