-- +goose Up
-- Registered telephones that can be reached without a connection of their own
-- (UDP), so that a restart keeps them; written by package app from what the
-- registrar of package sip knows.
CREATE TABLE sip_contacts (
    user    TEXT NOT NULL,
    uri     TEXT NOT NULL,
    contact TEXT NOT NULL, -- JSON
    PRIMARY KEY (user, uri)
) STRICT, WITHOUT ROWID;

-- +goose Down
DROP TABLE sip_contacts;
