package recordings_test

import (
	"errors"
	"strings"
	"syscall"
	"testing"
	"time"

	"callfloor/contact"
	"callfloor/recordings"
)

// A disk that fills up stops the recording, not the call: what was whole stays
// whole, the house is told, and records again when there is room.
func TestDiskFull(t *testing.T) {
	type trouble struct {
		contact contact.ID
		err     error
	}
	told := make(chan trouble, 4)
	h := openHouse(t, t.TempDir(), recordings.Options{OnTrouble: func(id contact.ID, err error) { told <- trouble{id, err} }})
	disk := h.store.UseDisk()
	r, g := h.start(time.Now())
	track := r.Track(contact.Customer)
	talk(track, 1, time.Now(), 50)
	waitFor(t, func() bool { return len(h.info(r.ID()).Tracks) == 1 })
	disk.Fill(syscall.ENOSPC)
	talk(track, 1, time.Now(), 50)
	select {
	case got := <-told:
		if got.contact != g.Contact() || !errors.Is(got.err, syscall.ENOSPC) {
			t.Errorf("told %v", got)
		}
	case <-time.After(20 * time.Second):
		t.Fatal("nobody was told")
	}
	talk(track, 1, time.Now(), 500) // the call goes on; nothing blocks
	if err := r.Seal(t.Context()); !errors.Is(err, syscall.ENOSPC) {
		t.Errorf("Seal: %v, want the fault", err)
	}
	if r.State() != "failed" {
		t.Errorf("state = %s", r.State())
	}
	if err := h.store.Healthy(); err == nil {
		t.Error("healthy on a full disk")
	}
	i := h.info(r.ID())
	if i.State != recordings.StateFailed || !strings.Contains(i.Why, "no space left") {
		t.Errorf("info = %+v", i)
	}
	if got := h.verify(r.ID()); !got.OK || got.Entries != 2 {
		t.Errorf("report = %+v %v, want the manifest and the first second", got, got.Damage)
	}
	disk.Fill(nil)
	waitFor(t, func() bool { return h.store.Healthy() == nil })
	if got := h.verify(h.sealed(10)); !got.OK {
		t.Errorf("report = %+v", got)
	}
	if len(told) != 0 {
		t.Error("told twice")
	}
}

// A fault of our own ends one recording and nothing else.
func TestPanicEndsOneRecording(t *testing.T) {
	told := make(chan error, 1)
	h := openHouse(t, t.TempDir(), recordings.Options{OnTrouble: func(_ contact.ID, err error) { told <- err }})
	disk := h.store.UseDisk()
	r, _ := h.start(time.Now())
	disk.Odd.Store(true)
	talk(r.Track(contact.Customer), 1, time.Now(), 10)
	<-r.Done()
	disk.Odd.Store(false)
	if err := <-told; !strings.Contains(err.Error(), "an odd disk") {
		t.Errorf("told %v", err)
	}
	if i := h.info(r.ID()); i.State != recordings.StateFailed {
		t.Errorf("info = %+v", i)
	}
	if got := h.verify(h.sealed(10)); !got.OK {
		t.Errorf("report = %+v", got)
	}
}

func TestNoSpaceNoStart(t *testing.T) {
	h := newHouse(t)
	disk := h.store.UseDisk()
	disk.FreeOctets.Store(1 << 20)
	g := h.grant()
	meta := recordings.Meta{Contact: g.Contact(), Answered: time.Now()}
	if _, err := h.store.Start(t.Context(), g, meta); contact.ErrorCode(err) != contact.Busy {
		t.Errorf("Start: %v, want contact.Busy", err)
	}
	if err := h.store.Healthy(); contact.ErrorCode(err) != contact.Busy {
		t.Errorf("Healthy: %v, want contact.Busy", err)
	}
	if files := h.captures(); len(files) != 0 {
		t.Errorf("files = %v", files)
	}
	disk.FreeOctets.Store(1 << 40)
	if err := h.store.Healthy(); err != nil {
		t.Errorf("Healthy: %v", err)
	}
	h.sealed(5)
}

// A disk that fails at the very beginning leaves no half file and no row.
func TestStartFailsWhole(t *testing.T) {
	h := newHouse(t)
	h.sealed(5)
	disk := h.store.UseDisk()
	disk.Fill(syscall.EIO)
	g := h.grant()
	_, err := h.store.Start(t.Context(), g, recordings.Meta{Contact: g.Contact(), Answered: time.Now()})
	if !errors.Is(err, syscall.EIO) {
		t.Errorf("Start: %v, want EIO", err)
	}
	if files := h.captures(); len(files) != 1 {
		t.Errorf("files = %v", files)
	}
	if list, err := h.store.List(t.Context(), recordings.Query{}); err != nil || len(list) != 1 {
		t.Errorf("list = %+v, %v", list, err)
	}
}

// A database that does not take the last row costs nothing: it is written when
// the row is read the next time.
func TestRowIsWrittenLater(t *testing.T) {
	h := newHouse(t)
	r, _ := h.start(time.Now())
	h.exec(`CREATE TRIGGER stuck BEFORE UPDATE ON recordings_recordings BEGIN SELECT RAISE(ABORT, 'stuck'); END`)
	if err := r.Seal(t.Context()); err != nil {
		t.Fatal(err)
	}
	h.exec(`DROP TRIGGER stuck`)
	if i := h.info(r.ID()); i.State != recordings.StateSealed || i.Why != "ended" {
		t.Errorf("info = %+v", i)
	}
	if got := h.verify(r.ID()); !got.OK {
		t.Errorf("report = %+v", got)
	}
}
