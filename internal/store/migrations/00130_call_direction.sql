-- +goose Up
-- Who called whom: in (the customer us) or out (we the customer).
ALTER TABLE call_calls ADD COLUMN direction TEXT NOT NULL DEFAULT 'in';

-- +goose Down
ALTER TABLE call_calls DROP COLUMN direction;
