-- +goose Up
-- Who answered calls when, for the figures of package acd/shifts.
CREATE INDEX call_events_answers ON call_events (at) WHERE kind = 'answer';

-- +goose Down
DROP INDEX call_events_answers;
