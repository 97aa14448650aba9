package recordings_test

import (
	"context"
	"io/fs"
	"log/slog"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"callfloor/contact"
	"callfloor/internal/store"
	"callfloor/internal/store/storetest"
	"callfloor/media"
	"callfloor/media/codec"
	"callfloor/recordings"
	"callfloor/recordings/consent"
)

// house is a data folder with everything in it.
type house struct {
	t      testing.TB
	dir    string
	db     *store.DB
	ledger *consent.Ledger
	store  *recordings.Store
}

func newHouse(t testing.TB) *house {
	t.Helper()
	return openHouse(t, storetest.Folder(t), recordings.Options{})
}

func openHouse(t testing.TB, dir string, o recordings.Options) *house {
	t.Helper()
	db, err := store.Open(context.Background(), dir)
	if err != nil {
		t.Fatal(err)
	}
	o.Log = slog.New(slog.DiscardHandler)
	s, err := recordings.Open(context.Background(), dir, db, o)
	if err != nil {
		t.Fatal(err)
	}
	h := &house{t: t, dir: dir, db: db, ledger: consent.NewLedger(db), store: s}
	t.Cleanup(h.close)
	return h
}

func (h *house) close() {
	if h.db == nil {
		return
	}
	if err := h.store.Close(context.Background()); err != nil {
		h.t.Error(err)
	}
	if err := h.db.Close(); err != nil {
		h.t.Error(err)
	}
	h.db = nil
}

// grant is a yes of a new contact.
func (h *house) grant() consent.Grant {
	h.t.Helper()
	now := time.Now()
	g, err := h.ledger.Record(context.Background(), consent.Answer{
		Contact: contact.NewID(), State: contact.ConsentGranted, PromptID: "consent", PromptText: "May we record this call?",
		Language: "en", Key: "1", Attempt: 1, AskedAt: now.Add(-5 * time.Second), At: now.Add(-3 * time.Second),
	})
	if err != nil {
		h.t.Fatal(err)
	}
	return g
}

// start begins a recording that was answered a moment ago.
func (h *house) start(answered time.Time) (*recordings.Recording, consent.Grant) {
	h.t.Helper()
	g := h.grant()
	r, err := h.store.Start(context.Background(), g, recordings.Meta{
		Contact: g.Contact(), Line: "1000", Queue: "sales", Agent: "alice", Answered: answered,
	})
	if err != nil {
		h.t.Fatal(err)
	}
	return r, g
}

// sealed makes a whole recording of both sides: frames of 20 ms each.
func (h *house) sealed(frames int) string {
	h.t.Helper()
	answered := time.Now().Add(-time.Duration(frames) * 20 * time.Millisecond)
	r, _ := h.start(answered)
	hold := recordings.NewAnswerHold(10 * time.Second)
	talk(hold, 0x1111, answered.Add(-4*time.Second), 25)
	r.Proof(hold)
	r.Mark("hold", map[string]any{"text": "the agent put the customer on hold"})
	talk(r.Track(contact.Customer), 0x1111, answered, frames)
	talk(r.Track(contact.Agent), 0x2222, answered, frames)
	if err := r.Seal(context.Background()); err != nil {
		h.t.Fatal(err)
	}
	return r.ID()
}

func (h *house) info(id string) recordings.Info {
	h.t.Helper()
	i, err := h.store.Get(context.Background(), id)
	if err != nil {
		h.t.Fatal(err)
	}
	return i
}

func (h *house) verify(id string) recordings.Report {
	h.t.Helper()
	r, err := h.store.Verify(context.Background(), id)
	if err != nil {
		h.t.Fatal(err)
	}
	return r
}

// captures returns the paths of all captures.
func (h *house) captures() []string {
	h.t.Helper()
	var paths []string
	err := filepath.WalkDir(h.dir, func(path string, _ fs.DirEntry, err error) error {
		if strings.HasSuffix(path, ".cap") {
			paths = append(paths, path)
		}
		return err
	})
	if err != nil {
		h.t.Fatal(err)
	}
	return paths
}

// file returns the path of the only capture of id.
func (h *house) file(id string) string {
	h.t.Helper()
	for _, p := range h.captures() {
		if filepath.Base(p) == id+".cap" {
			return p
		}
	}
	h.t.Fatalf("there is no capture of %s", id)
	return ""
}

func (h *house) exec(sql string, args ...any) {
	h.t.Helper()
	err := h.db.Tx(context.Background(), func(tx *store.Tx) error {
		_, err := tx.ExecContext(context.Background(), sql, args...)
		return err
	})
	if err != nil {
		h.t.Fatal(err)
	}
}

func read(t testing.TB, name string) []byte {
	t.Helper()
	b, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func write(t testing.TB, name string, b []byte) {
	t.Helper()
	if err := os.WriteFile(name, b, 0o600); err != nil {
		t.Fatal(err)
	}
}

// voice makes packets of one RTP stream.
type voice struct {
	codec   codec.ID
	ssrc    uint32
	seq     uint16
	ts      uint32
	payload [160]byte
}

// packet is the next 20 ms of a 1 kHz tone.
func (v *voice) packet(arrival time.Time) *media.Packet {
	for i := range v.payload {
		s := int16(8000 * math.Sin(2*math.Pi*float64(i)/8))
		v.payload[i] = ulaw(s)
	}
	p := &media.Packet{
		Codec: v.codec, Marker: v.seq == 0, Seq: v.seq, Timestamp: v.ts, SSRC: v.ssrc, Payload: v.payload[:], Arrival: arrival,
	}
	v.seq++
	v.ts += 160
	return p
}

// talk sends frames of 20 ms that arrive in time from start.
func talk(to media.Sink, ssrc uint32, start time.Time, frames int) {
	v := voice{codec: codec.PCMU, ssrc: ssrc}
	for i := range frames {
		to.WritePacket(v.packet(start.Add(time.Duration(i) * 20 * time.Millisecond)))
	}
}

// ulaw is G.711 by its definition, apart from the table that is tested with it.
func ulaw(s int16) byte {
	sign := byte(0)
	v := int(s)
	if v < 0 {
		sign, v = 0x80, -v
	}
	v = min(v+132, 32767)
	exp := 7
	for mask := 0x4000; exp > 0 && v&mask == 0; exp-- {
		mask >>= 1
	}
	return ^(sign | byte(exp<<4) | byte(v>>(exp+3)&0x0f))
}
