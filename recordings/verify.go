package recordings

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
)

// Report is what Verify found.
type Report struct {
	ID    string `json:"id"`
	State State  `json:"state"`
	OK    bool   `json:"ok"`
	// Entries is how many whole entries stand before the end or the damage.
	Entries uint64 `json:"entries"`
	// Damage is the first damaged entry; nil if OK.
	Damage *Damage `json:"damage"`
	// Note says what a reader should know of a recording that is well: that it
	// was erased, that it is still being made.
	Note string `json:"note"`
}

// Verify walks a recording from its header to its end and names the first
// entry that is not what was written. What is found wrong is in the Report; an
// error means that it could not be looked at (contact.NotFound: there is none).
//
// A sealed recording must end with a seal that is signed by this folder's key
// and agrees with the entries and with the row. One that is cut_off or failed
// must hold every entry that its row counts, to the same hash.
func (s *Store) Verify(ctx context.Context, id string) (Report, error) {
	r, err := s.row(ctx, id)
	if err != nil {
		return Report{}, err
	}
	report := Report{ID: id, State: r.state}
	if r.erasedAt.Valid {
		report.OK, report.Note = true, "erased by "+r.erasedBy+": "+r.erasedW
		return report, nil
	}
	rd, file, err := s.open(r)
	if damage, ok := errors.AsType[*Damage](err); ok {
		report.Damage = damage
		return report, nil
	}
	if err != nil {
		return Report{}, err
	}
	defer discard(file)
	ring, err := s.keys.load()
	if err != nil {
		return Report{}, errKeys(err)
	}
	if !ring.public().Equal(rd.header.public) {
		report.Damage = &Damage{Entry: 0, Why: "its public key is not that of this server's keys"}
		return report, nil
	}
	if r.state == StateOpen {
		report.Note = "it is still being made"
	}
	if rd.header.contact != r.meta.Contact {
		report.Damage = &Damage{Entry: 0, Why: "the header is that of another call"}
		return report, nil
	}
	found := rd.walk()
	report.Entries = found.entries
	report.Damage, err = found.judge(r)
	report.OK = report.Damage == nil
	return report, err
}

// judge compares a walk with what the row says there must be. An error means
// that the disk could not be read.
func (s *summary) judge(r row) (*Damage, error) {
	next := s.entries + 1
	if damage, ok := errors.AsType[*Damage](s.end); ok && !s.beyond(r) {
		return damage, nil
	}
	if _, ok := errors.AsType[*Damage](s.end); !ok && !errors.Is(s.end, io.EOF) && !errors.Is(s.end, errTorn) {
		return nil, fmt.Errorf("verify recording %s: %w", r.id, s.end)
	}
	switch r.state {
	case StateOpen:
		return nil, nil // a last entry that is not whole is being written
	case StateSealed:
		if errors.Is(s.end, errTorn) {
			return &Damage{Entry: next, Why: errTorn.Error()}, nil
		}
		if s.seal == nil {
			return &Damage{Entry: next, Why: "the capture ends here, without a seal"}, nil
		}
	default:
		if s.size < r.size.V {
			return &Damage{Entry: next, Why: "the capture ends here; more had been written"}, nil
		}
	}
	if hex.EncodeToString(s.head[:]) != r.head.V || s.size != r.size.V {
		return &Damage{Entry: s.entries, Why: "its hash is not the one that was kept when the recording ended"}, nil
	}
	return nil, nil
}

// beyond says whether the walk ended behind what r counts, where only the
// remains of a crash or of a full disk are.
func (s *summary) beyond(r row) bool {
	return (r.state == StateCutOff || r.state == StateFailed) && s.size >= r.size.V ||
		r.state == StateOpen && s.size > 0
}
