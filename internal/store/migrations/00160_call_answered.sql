-- +goose Up
-- The answered calls of a day, for the figures of package acd/shifts.
CREATE INDEX call_calls_answered ON call_calls (answered) WHERE agent IS NOT NULL;

-- +goose Down
DROP INDEX call_calls_answered;
