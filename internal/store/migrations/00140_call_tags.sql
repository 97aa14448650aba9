-- +goose Up
-- What agents tagged calls with in wrap-up, by group. Written by package call.
CREATE TABLE call_tags (
    contact   TEXT NOT NULL REFERENCES call_calls (id) ON DELETE CASCADE,
    tag_group TEXT NOT NULL,
    n         INTEGER NOT NULL,
    tag       TEXT NOT NULL,
    PRIMARY KEY (contact, tag_group, n)
) STRICT, WITHOUT ROWID;
CREATE INDEX call_tags_tag ON call_tags (tag_group, tag);

-- +goose Down
DROP TABLE call_tags;
