package recordings

import (
	"time"

	"callfloor/contact"
	"callfloor/media/codec"
)

// State is where a recording stands.
//
//	open ──► sealed    the call ended, or the consent was withdrawn
//	  ├────► failed    a disk did not take it; it ends there
//	  └────► cut_off   the process died; it is readable to the last whole entry
type State string

// The states; the last three are final.
const (
	StateOpen   State = "open"
	StateSealed State = "sealed"
	StateCutOff State = "cut_off"
	StateFailed State = "failed"
)

// Info is one recording as lists show it. Times are RFC 3339 with milliseconds
// (contact.Time), durations seconds.
type Info struct {
	ID       string     `json:"id"`
	Call     contact.ID `json:"call"`
	Line     string     `json:"line"`
	Queue    string     `json:"queue"`
	Agent    string     `json:"agent"`
	Started  string     `json:"started"`
	Duration *float64   `json:"duration"`
	State    State      `json:"state"`
	// Why says how it ended: "ended", "consent withdrawn", the fault.
	Why     string          `json:"why"`
	Consent contact.Consent `json:"consent"`
	Tracks  []TrackInfo     `json:"tracks"`
	// Size is in octets, Entries the number of entries and Head the hash of the
	// last of them in hex; null while it is open.
	Size    *int64  `json:"size"`
	Entries *int64  `json:"entries"`
	Head    *string `json:"head"`
	// Hold says that it must not be erased; HoldWhy who wants that and why.
	Hold    bool     `json:"hold"`
	HoldBy  string   `json:"hold_by"`
	HoldWhy string   `json:"hold_why"`
	Erased  *Erasure `json:"erased"`
}

// TrackInfo is one side of a recording.
type TrackInfo struct {
	Party contact.Party `json:"party"`
	// Codec is that of the last packet ("PCMU"), Seconds the sound in packets.
	Codec   string  `json:"codec"`
	Seconds float64 `json:"seconds"`
}

// Erasure says when, by whom and why a recording was erased.
type Erasure struct {
	At  string `json:"at"`
	By  string `json:"by"`
	Why string `json:"why"`
}

// Meta is what a recording knows of its call.
type Meta struct {
	Contact            contact.ID
	Line, Queue, Agent string
	// Answered is when the agent answered: sample 0 of the sound.
	Answered time.Time
}

// trackStats counts what one track holds.
type trackStats struct {
	codec  codec.ID
	length time.Duration
}

// tally counts the records of one recording.
type tally struct {
	tracks [tracks]trackStats
	end    time.Duration // of the last packet, from the answer
}

func (t *tally) add(r record) {
	s := &t.tracks[r.track]
	s.codec = r.packet.Codec
	s.length += r.length()
	t.end = max(t.end, r.offset+r.length())
}

// addAll counts a body of packet records.
func (t *tally) addAll(body []byte) error {
	for len(body) > 0 {
		r, rest, err := nextRecord(body)
		if err != nil {
			return err
		}
		t.add(r)
		body = rest
	}
	return nil
}

func (t *tally) info() []TrackInfo {
	infos := []TrackInfo{}
	for n, s := range t.tracks {
		if s.codec != codec.None {
			infos = append(infos, TrackInfo{Party: partyOf(byte(n)), Codec: s.codec.String(), Seconds: seconds(s.length)})
		}
	}
	return infos
}

// seconds rounds to milliseconds.
func seconds(d time.Duration) float64 { return float64(d.Milliseconds()) / 1000 }
