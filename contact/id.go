package contact

import (
	"crypto/rand"
	"encoding/base32"
	"regexp"
	"time"
)

// ID names one contact: a customer's call from its first INVITE to its
// wrap-up. It is 128 random bits as 26 characters of lower-case base32, so it
// can be a file name and cannot be guessed.
type ID string

// LegID names one leg within its contact: "customer", "agent", "supervisor",
// and "agent-2" and so on where a party has several.
type LegID string

// AgentID is the user name of a person with a seat (an agent or a supervisor).
type AgentID string

// QueueID names a queue, as in the configuration ("sales").
type QueueID string

// LineID names a line: the number that a customer dials ("1000").
type LineID string

var (
	encoding  = base32.NewEncoding("0123456789abcdefghjkmnpqrstvwxyz").WithPadding(base32.NoPadding)
	idPattern = regexp.MustCompile(`^[0-9a-hjkmnp-tv-z]{26}$`)
)

// NewID returns a fresh random ID.
func NewID() ID {
	var b [16]byte
	_, _ = rand.Read(b[:]) // crypto/rand.Read never fails (its documentation)
	return ID(encoding.EncodeToString(b[:]))
}

// Valid says whether id has the form that NewID makes; anything else must not
// be used in a path.
func (id ID) Valid() bool { return idPattern.MatchString(string(id)) }

// Time formats t as every JSON of Callfloor does: RFC 3339 in UTC with
// milliseconds.
func Time(t time.Time) string { return t.UTC().Format(TimeFormat) }

// TimeFormat is RFC 3339 with exactly three decimals.
const TimeFormat = "2006-01-02T15:04:05.000Z07:00"
