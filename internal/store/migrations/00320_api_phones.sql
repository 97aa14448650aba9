-- +goose Up
-- The passwords of users' SIP telephones, as the hashes that digest
-- authentication needs (RFC 7616: H(user:realm:password)); written by package
-- api. They are as good as the passwords.
CREATE TABLE api_phones (
    user    TEXT PRIMARY KEY,
    md5     TEXT NOT NULL,
    sha256  TEXT NOT NULL,
    changed INTEGER NOT NULL
) STRICT;

-- +goose Down
DROP TABLE api_phones;
