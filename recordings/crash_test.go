package recordings_test

import (
	"bufio"
	"context"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"testing"
	"time"

	"callfloor/contact"
	"callfloor/internal/store"
	"callfloor/media/codec"
	"callfloor/recordings"
	"callfloor/recordings/consent"
)

// recordUntilKilled is the process that dies: it records both sides in real
// time and says on stdout how many packets it has given to the recording.
func recordUntilKilled(dir string) {
	must := func(err error) {
		if err != nil {
			fmt.Println("error", err)
			os.Exit(1)
		}
	}
	ctx := context.Background()
	db, err := store.Open(ctx, dir)
	must(err)
	s, err := recordings.Open(ctx, dir, db, recordings.Options{Log: slog.New(slog.DiscardHandler)})
	must(err)
	now := time.Now()
	g, err := consent.NewLedger(db).Record(ctx, consent.Answer{
		Contact: contact.NewID(), State: contact.ConsentGranted, PromptID: "consent", PromptText: "May we?",
		Language: "en", Key: "1", Attempt: 1, AskedAt: now, At: now,
	})
	must(err)
	r, err := s.Start(ctx, g, recordings.Meta{Contact: g.Contact(), Line: "1000", Agent: "alice", Answered: time.Now()})
	must(err)
	fmt.Println("id", r.ID())
	customer, agent := r.Track(contact.Customer), r.Track(contact.Agent)
	c, a := voice{codec: codec.PCMU, ssrc: 1}, voice{codec: codec.PCMU, ssrc: 2}
	tick := time.NewTicker(20 * time.Millisecond)
	for n := 1; ; n++ {
		at := <-tick.C
		customer.WritePacket(c.packet(at))
		agent.WritePacket(a.packet(at))
		fmt.Println("sent", n)
	}
}

// TestKill kills a recording process at random moments: what it leaves is
// readable, listed as cut off, whole to its last second.
func TestKill(t *testing.T) {
	for n := range 4 {
		t.Run(strconv.Itoa(n), func(t *testing.T) {
			dir := t.TempDir()
			id, sent := runAndKill(t, dir, 1+rand.IntN(120))
			h := openHouse(t, dir, recordings.Options{})
			list, err := h.store.List(t.Context(), recordings.Query{}) // as a command does, without Recover
			if err != nil || len(list) != 1 || list[0].ID != id || list[0].State != recordings.StateCutOff {
				t.Fatalf("list = %+v, %v", list, err)
			}
			var kept float64
			for _, track := range list[0].Tracks {
				kept += track.Seconds / 2
			}
			if lost := float64(sent)*0.02 - kept; lost > 1 {
				t.Errorf("%.2f s of %d packets are kept: the last %.2f s are lost", kept, sent, lost)
			}
			if got := h.verify(id); !got.OK {
				t.Errorf("report = %+v", got)
			}
			if n, err := h.store.Recover(t.Context()); n != 0 || err != nil {
				t.Errorf("Recover = %d, %v; the list has settled it", n, err)
			}
		})
	}
}

// runAndKill lets a child record until it has sent some packets and kills it
// with SIGKILL.
func runAndKill(t *testing.T, dir string, packets int) (id string, sent int) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), os.Args[0])
	cmd.Env = append(os.Environ(), childEnv+"="+dir)
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewScanner(out)
	for lines.Scan() {
		word, value, _ := strings.Cut(lines.Text(), " ")
		switch word {
		case "id":
			id = value
		case "sent":
			sent, err = strconv.Atoi(value)
		default:
			err = fmt.Errorf("the child says %q", lines.Text())
		}
		if err != nil {
			t.Fatal(err)
		}
		if sent == packets {
			if err := cmd.Process.Kill(); err != nil {
				t.Fatal(err)
			}
		}
	}
	_ = cmd.Wait() // "signal: killed"
	if id == "" || sent < packets {
		t.Fatalf("the child died early: %q, %d packets", id, sent)
	}
	return id, sent
}

// asDead copies h's folder as a crash would leave it: the row open again, and
// the capture cut to size octets.
func (h *house) asDead(id string, size int) {
	h.t.Helper()
	h.exec(`UPDATE recordings_recordings SET state = 'open', size = NULL, entries = NULL, head = NULL, duration = NULL, tracks = '[]' WHERE id = ?`, id)
	if err := os.Truncate(h.file(id), int64(size)); err != nil {
		h.t.Fatal(err)
	}
}

// TestTruncation cuts a capture at every entry's end and at random places: as
// the crash of a process it is a cut-off recording that verifies, as a change
// of a sealed one it is damage at the first entry that is not there.
func TestTruncation(t *testing.T) {
	h := newHouse(t)
	id := h.sealed(400)
	whole := read(t, h.file(id))
	ends := entryEnds(t, whole)
	cuts := append([]int(nil), ends[:len(ends)-1]...)
	for range 60 {
		cuts = append(cuts, rand.IntN(len(whole)))
	}
	for _, cut := range cuts {
		write(t, h.file(id), whole[:cut])
		whole0 := 0 // entries that are whole; -1: not even the header
		for n, end := range ends {
			if cut >= end {
				whole0 = n + 1
			}
		}
		want := uint64(max(whole0, 0))
		got := h.verify(id)
		if got.OK || got.Damage.Entry != want {
			t.Errorf("cut at %d of %d: %+v %+v, want damage at entry %d", cut, len(whole), got, got.Damage, want)
		}
	}
	for _, cut := range cuts {
		write(t, h.file(id), whole)
		h.asDead(id, cut)
		if _, err := h.store.Recover(t.Context()); err != nil {
			t.Fatal(err)
		}
		i, got := h.info(id), h.verify(id)
		headerWhole := cut >= ends[0]
		if headerWhole && (i.State != recordings.StateCutOff || !got.OK) {
			t.Errorf("cut at %d: %s, %+v", cut, i.State, got)
		}
		if !headerWhole && (i.State != recordings.StateFailed || got.OK) {
			t.Errorf("cut at %d, in the header: %s, %+v", cut, i.State, got)
		}
	}
}

// A crash between the seal and the row leaves a sealed recording.
func TestRecoverFindsSeal(t *testing.T) {
	h := newHouse(t)
	id := h.sealed(10)
	before := h.info(id)
	h.asDead(id, len(read(t, h.file(id))))
	if n, err := h.store.Recover(t.Context()); n != 0 || err != nil {
		t.Errorf("Recover = %d, %v", n, err)
	}
	after := h.info(id)
	if after.State != recordings.StateSealed || *after.Duration != *before.Duration || *after.Head != *before.Head {
		t.Errorf("info = %+v, was %+v", after, before)
	}
}

// Captures whose rows are lost are listed again.
func TestRecoverAdopts(t *testing.T) {
	h := newHouse(t)
	sealed, cut, broken := h.sealed(10), h.sealed(100), h.sealed(10)
	before := h.info(sealed)
	all := read(t, h.file(cut))
	write(t, h.file(cut), all[:len(all)-10])
	write(t, h.file(broken), []byte("this is no capture"))
	h.exec(`DELETE FROM recordings_recordings`)
	n, err := h.store.Recover(t.Context())
	if n != 1 || err != nil {
		t.Errorf("Recover = %d, %v", n, err)
	}
	if after := h.info(sealed); after.State != recordings.StateSealed || after.Call != before.Call || after.Agent != "alice" ||
		after.Consent != contact.ConsentGranted || after.Started != before.Started || *after.Head != *before.Head {
		t.Errorf("sealed = %+v, was %+v", after, before)
	}
	if i := h.info(cut); i.State != recordings.StateCutOff || *i.Duration < 1.9 {
		t.Errorf("cut = %+v", i)
	}
	if i := h.info(broken); i.State != recordings.StateFailed || i.Why == "" {
		t.Errorf("broken = %+v", i)
	}
}

// A second process reads a folder while the first records into it, and takes
// nothing that runs for dead.
func TestReadingBesideAWriter(t *testing.T) {
	h := newHouse(t)
	r, _ := h.start(time.Now())
	talk(r.Track(contact.Customer), 1, time.Now(), 50)
	reader := openHouse(t, h.dir, recordings.Options{})
	waitFor(t, func() bool { return len(reader.info(r.ID()).Tracks) == 1 }) // after a flush
	if n, err := reader.store.Recover(t.Context()); n != 0 || err != nil {
		t.Errorf("Recover = %d, %v", n, err)
	}
	i := reader.info(r.ID())
	if i.State != recordings.StateOpen || i.Duration == nil || *i.Duration < 1 || *i.Duration > 1.5 {
		t.Errorf("info = %+v", i)
	}
	if got := reader.verify(r.ID()); !got.OK || got.Note == "" {
		t.Errorf("report = %+v", got)
	}
	if live := h.info(r.ID()); live.State != recordings.StateOpen || live.Duration == nil {
		t.Errorf("info = %+v", live)
	}
	g := reader.grant()
	if _, err := reader.store.Start(t.Context(), g, recordings.Meta{Contact: g.Contact(), Answered: time.Now()}); err == nil {
		t.Error("two processes record into one folder")
	}
	if err := r.Seal(t.Context()); err != nil {
		t.Fatal(err)
	}
	if i := reader.info(r.ID()); i.State != recordings.StateSealed {
		t.Errorf("info = %+v", i)
	}
}

func waitFor(t *testing.T, cond func() bool) {
	t.Helper()
	deadline := time.Now().Add(20 * time.Second)
	for !cond() {
		if time.Now().After(deadline) {
			t.Fatal("it does not happen")
		}
		time.Sleep(5 * time.Millisecond) // between two looks; the condition decides
	}
}
