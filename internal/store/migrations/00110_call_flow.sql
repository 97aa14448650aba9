-- +goose Up
-- What flows add to a call: how satisfied the customer said to be (1 to 5), and
-- the language that they chose, which a later call of the same number begins in.
ALTER TABLE call_calls ADD COLUMN csat INTEGER CHECK (csat BETWEEN 1 AND 5);
ALTER TABLE call_calls ADD COLUMN language TEXT;
CREATE INDEX call_calls_language ON call_calls (caller, started DESC) WHERE language IS NOT NULL;

-- +goose Down
DROP INDEX call_calls_language;
ALTER TABLE call_calls DROP COLUMN language;
ALTER TABLE call_calls DROP COLUMN csat;
