-- +goose Up
-- What people chose for themselves, so that it follows them to another
-- browser; written by package api. changed is when the person chose, in
-- milliseconds since the epoch.
CREATE TABLE api_preferences (
    user    TEXT NOT NULL,
    name    TEXT NOT NULL,
    value   TEXT NOT NULL, -- JSON
    changed INTEGER NOT NULL,
    PRIMARY KEY (user, name)
) STRICT, WITHOUT ROWID;

-- +goose Down
DROP TABLE api_preferences;
