-- +goose Up
-- One row that Healthy writes again and again.
CREATE TABLE store_health (
    one INTEGER PRIMARY KEY CHECK (one = 1),
    at  INTEGER NOT NULL
) STRICT;

-- +goose Down
DROP TABLE store_health;
