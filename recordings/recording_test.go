package recordings_test

import (
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"callfloor/contact"
	"callfloor/media"
	"callfloor/media/codec"
	"callfloor/recordings"
	"callfloor/recordings/consent"
)

func TestSealedRecording(t *testing.T) {
	h := newHouse(t)
	id := h.sealed(50)
	i := h.info(id)
	if i.State != recordings.StateSealed || i.Why != "ended" || i.Consent != contact.ConsentGranted {
		t.Errorf("info = %+v", i)
	}
	if i.Duration == nil || *i.Duration < 1 || i.Size == nil || i.Entries == nil || len(*i.Head) != 64 {
		t.Errorf("info = %+v", i)
	}
	if len(i.Tracks) != 2 || i.Tracks[0] != (recordings.TrackInfo{Party: contact.Customer, Codec: "PCMU", Seconds: 1}) ||
		i.Tracks[1].Party != contact.Agent {
		t.Errorf("tracks = %+v", i.Tracks)
	}
	if got := h.verify(id); !got.OK || got.Entries != uint64(*i.Entries) || got.Entries < 4 {
		t.Errorf("report = %+v", got)
	}
	info, err := os.Stat(h.file(id))
	if err != nil || info.Size() != *i.Size || info.Mode().Perm() != 0o600 {
		t.Errorf("the file: %v, %v", info, err)
	}
	keys, err := os.Stat(filepath.Join(h.dir, "keys"))
	if err != nil || keys.Mode().Perm() != 0o700 {
		t.Errorf("the key folder: %v, %v", keys, err)
	}
	for _, name := range []string{"recordings.age", "recordings.sign.pem"} {
		if f, err := os.Stat(filepath.Join(h.dir, "keys", name)); err != nil || f.Mode().Perm() != 0o600 {
			t.Errorf("%s: %v, %v", name, f, err)
		}
	}
}

// The names of the outside contract (design § 8), to the letter.
func TestInfoJSON(t *testing.T) {
	h := newHouse(t)
	i := h.info(h.sealed(10))
	text, err := json.Marshal(i)
	if err != nil {
		t.Fatal(err)
	}
	var fields map[string]any
	if err := json.Unmarshal(text, &fields); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"id", "call", "started", "duration", "state", "consent", "tracks"} {
		if fields[name] == nil {
			t.Errorf("%q is missing in %s", name, text)
		}
	}
	if _, err := time.Parse(contact.TimeFormat, i.Started); err != nil {
		t.Errorf("started: %v", err)
	}
	track := fields["tracks"].([]any)[0].(map[string]any)
	if track["party"] != "customer" || track["codec"] != "PCMU" || track["seconds"] != 0.2 {
		t.Errorf("track = %v", track)
	}
	if v, there := fields["erased"]; !there || v != nil {
		t.Errorf("erased = %v, %v; want null", v, there)
	}
}

func TestStartIsRefused(t *testing.T) {
	h := newHouse(t)
	granted, withdrawn := h.grant(), h.grant()
	if err := h.ledger.Withdraw(t.Context(), withdrawn.Contact(), "customer"); err != nil {
		t.Fatal(err)
	}
	tests := map[string]struct {
		grant consent.Grant
		meta  recordings.Meta
		code  contact.Code
	}{
		"ZeroGrant":      {meta: recordings.Meta{Contact: contact.NewID(), Answered: time.Now()}, code: contact.Forbidden},
		"OtherContact":   {grant: granted, meta: recordings.Meta{Contact: contact.NewID(), Answered: time.Now()}, code: contact.Forbidden},
		"Withdrawn":      {grant: withdrawn, meta: recordings.Meta{Contact: withdrawn.Contact(), Answered: time.Now()}, code: contact.Forbidden},
		"NoAnswerTime":   {grant: granted, meta: recordings.Meta{Contact: granted.Contact()}, code: contact.Invalid},
		"NoContactAtAll": {meta: recordings.Meta{Answered: time.Now()}, code: contact.Forbidden},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			if r, err := h.store.Start(t.Context(), tt.grant, tt.meta); r != nil || contact.ErrorCode(err) != tt.code {
				t.Errorf("Start = %v, %v; want %s", r, err, tt.code)
			}
		})
	}
	if files := h.captures(); len(files) != 0 {
		t.Errorf("files were made: %v", files)
	}
	if _, err := os.Stat(filepath.Join(h.dir, "keys")); err == nil {
		t.Error("keys were made without a recording")
	}
}

// Of a customer who says no, nothing is on disk: no file, and not one octet of
// what was held in memory.
func TestRefusedLeavesNothing(t *testing.T) {
	for _, state := range []contact.Consent{contact.ConsentRefused, contact.ConsentNone} {
		t.Run(string(state), func(t *testing.T) {
			h := newHouse(t)
			hold := recordings.NewAnswerHold(10 * time.Second)
			v := voice{codec: codec.PCMU, ssrc: 7}
			marker := strings.Repeat("NOT ONE OCTET OF", 10)
			p := v.packet(time.Now())
			p.Payload = []byte(marker)
			hold.WritePacket(p)
			now := time.Now()
			g, err := h.ledger.Record(t.Context(), consent.Answer{
				Contact: contact.NewID(), State: state, PromptID: "consent", PromptText: "May we?", Language: "en", Key: "2",
				Attempt: 1, AskedAt: now.Add(-time.Second), At: now,
			})
			if err != nil {
				t.Fatal(err)
			}
			_, err = h.store.Start(t.Context(), g, recordings.Meta{Contact: g.Contact(), Answered: now})
			if contact.ErrorCode(err) != contact.Forbidden {
				t.Errorf("Start: %v, want contact.Forbidden", err)
			}
			hold.Forget()
			if len(hold.Packets()) != 0 {
				t.Error("the hold remembers")
			}
			if files := h.captures(); len(files) != 0 {
				t.Errorf("files were made: %v", files)
			}
			assertNowhere(t, h.dir, marker)
		})
	}
}

// What is recorded stands nowhere on the disk in plain.
func TestNothingInPlain(t *testing.T) {
	h := newHouse(t)
	r, _ := h.start(time.Now())
	marker := strings.Repeat("PLAIN TEXT SOUND", 10)
	v := voice{codec: codec.PCMU, ssrc: 7}
	p := v.packet(time.Now())
	p.Payload = []byte(marker)
	r.Track(contact.Customer).WritePacket(p)
	r.Mark("note", map[string]any{"text": marker})
	if err := r.Seal(t.Context()); err != nil {
		t.Fatal(err)
	}
	assertNowhere(t, h.dir, marker)
}

func assertNowhere(t *testing.T, dir, text string) {
	t.Helper()
	err := filepath.WalkDir(dir, func(path string, e os.DirEntry, err error) error {
		if err != nil || e.IsDir() {
			return err
		}
		if strings.Contains(string(read(t, path)), text) {
			t.Errorf("%s holds what it must not", path)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

// TestMoreThanTwoParties: a supervisor who barged in and a second agent have
// tracks of their own; the second agent is heard on the agents' side.
func TestMoreThanTwoParties(t *testing.T) {
	h := newHouse(t)
	answered := time.Now().Add(-time.Second)
	r, _ := h.start(answered)
	talk(r.Track(contact.Customer), 1, answered, 10)
	talk(r.SecondAgent(), 4, answered, 10)
	talk(r.Track(contact.Supervisor), 3, answered, 10)
	if err := r.Seal(t.Context()); err != nil {
		t.Fatal(err)
	}
	var parties []contact.Party
	for _, k := range h.info(r.ID()).Tracks {
		parties = append(parties, k.Party)
	}
	if want := []contact.Party{contact.Customer, contact.Supervisor, contact.Agent}; !slices.Equal(parties, want) {
		t.Errorf("tracks of %v, want %v", parties, want)
	}
	left, right := h.sides(r.ID())
	if len(left) == 0 || !slices.Equal(left, right) {
		t.Error("the second agent, who said the same as the customer, is not on the right alone")
	}
}

func TestTracksTakeAudioOfTwoParties(t *testing.T) {
	h := newHouse(t)
	r, _ := h.start(time.Now())
	v := voice{codec: codec.TelephoneEvent, ssrc: 1}
	r.Track(contact.Customer).WritePacket(v.packet(time.Now()))
	talk(r.Track(contact.System), 4, time.Now(), 10)
	if err := r.Seal(t.Context()); err != nil {
		t.Fatal(err)
	}
	if tracks := h.info(r.ID()).Tracks; len(tracks) != 0 {
		t.Errorf("tracks = %v, want none: digits and strangers are not recorded", tracks)
	}
}

func TestWithdrawalStopsWriting(t *testing.T) {
	h := newHouse(t)
	r, g := h.start(time.Now())
	track := r.Track(contact.Customer)
	talk(track, 1, time.Now(), 20)
	if err := h.ledger.Withdraw(t.Context(), g.Contact(), "customer"); err != nil {
		t.Fatal(err)
	}
	select {
	case <-r.Done():
	case <-time.After(10 * time.Second):
		t.Fatal("the recording goes on without consent")
	}
	size := len(read(t, h.file(r.ID())))
	talk(track, 1, time.Now(), 200)
	r.Mark("note", nil)
	if err := r.Seal(t.Context()); err != nil {
		t.Error(err)
	}
	if again := len(read(t, h.file(r.ID()))); again != size {
		t.Errorf("%d octets were written after the withdrawal", again-size)
	}
	i := h.info(r.ID())
	if i.State != recordings.StateSealed || i.Why != "consent withdrawn" {
		t.Errorf("info = %+v", i)
	}
	if got := h.verify(r.ID()); !got.OK {
		t.Errorf("report = %+v", got)
	}
}

func TestPause(t *testing.T) {
	h := newHouse(t)
	r, _ := h.start(time.Now())
	track := r.Track(contact.Customer)
	r.Pause()
	r.Pause()
	talk(track, 1, time.Now(), 50)
	r.Resume()
	talk(track, 1, time.Now(), 25)
	if err := r.Seal(t.Context()); err != nil {
		t.Fatal(err)
	}
	if tracks := h.info(r.ID()).Tracks; len(tracks) != 1 || tracks[0].Seconds != 0.5 {
		t.Errorf("tracks = %v, want half a second", tracks)
	}
}

func TestSealTwiceAndLate(t *testing.T) {
	h := newHouse(t)
	r, _ := h.start(time.Now())
	if r.State() != "open" {
		t.Errorf("state = %s", r.State())
	}
	for range 2 {
		if err := r.Seal(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	if r.State() != "sealed" {
		t.Errorf("state = %s", r.State())
	}
	r.Resume() // a sealed recording takes nothing any more
	talk(r.Track(contact.Customer), 1, time.Now(), 5)
	if got := h.verify(r.ID()); !got.OK {
		t.Errorf("report = %+v", got)
	}
}

func TestCloseSealsWhatRuns(t *testing.T) {
	h := newHouse(t)
	r, _ := h.start(time.Now())
	talk(r.Track(contact.Customer), 1, time.Now(), 10)
	h.close()
	h = openHouse(t, h.dir, recordings.Options{})
	if i := h.info(r.ID()); i.State != recordings.StateSealed || i.Why != "the server was stopped" {
		t.Errorf("info = %+v", i)
	}
	if got := h.verify(r.ID()); !got.OK {
		t.Errorf("report = %+v", got)
	}
}

func TestStartAfterClose(t *testing.T) {
	h := newHouse(t)
	g := h.grant()
	if err := h.store.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	_, err := h.store.Start(t.Context(), g, recordings.Meta{Contact: g.Contact(), Answered: time.Now()})
	if contact.ErrorCode(err) != contact.Conflict {
		t.Errorf("Start: %v, want contact.Conflict", err)
	}
}

func TestWritePacketDoesNotAllocate(t *testing.T) {
	h := newHouse(t)
	r, _ := h.start(time.Now())
	track := r.Track(contact.Customer)
	v := voice{codec: codec.PCMU, ssrc: 1}
	p := v.packet(time.Now())
	if n := testing.AllocsPerRun(2000, func() { track.WritePacket(p) }); n != 0 {
		t.Errorf("WritePacket allocates %v times", n)
	}
	hold := recordings.NewAnswerHold(0)
	if n := testing.AllocsPerRun(2000, func() { hold.WritePacket(p) }); n != 0 {
		t.Errorf("AnswerHold.WritePacket allocates %v times", n)
	}
}

func TestAnswerHoldIsBounded(t *testing.T) {
	tests := map[string]struct {
		max      time.Duration
		octets   int
		frames   int
		want     int
		wantLast uint16
	}{
		"Time":        {max: 2 * time.Second, octets: 160, frames: 300, want: 101, wantLast: 299},
		"TenSeconds":  {max: time.Hour, octets: 160, frames: 2000, want: 501, wantLast: 1999},
		"BigPackets":  {max: 10 * time.Second, octets: 1400, frames: 500, want: 74, wantLast: 499},
		"TooBig":      {max: 10 * time.Second, octets: 5000, frames: 50, want: 0},
		"Empty":       {max: 10 * time.Second, octets: 0, frames: 50, want: 0},
		"LessThanMax": {max: 10 * time.Second, octets: 160, frames: 3, want: 3, wantLast: 2},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			hold := recordings.NewAnswerHold(tt.max)
			start := time.Now()
			for i := range tt.frames {
				hold.WritePacket(&media.Packet{
					Codec: codec.PCMA, Seq: uint16(i), SSRC: 9, Payload: make([]byte, tt.octets),
					Arrival: start.Add(time.Duration(i) * 20 * time.Millisecond),
				})
			}
			got := hold.Packets()
			if len(got) != tt.want {
				t.Fatalf("%d packets, want %d", len(got), tt.want)
			}
			if tt.want == 0 {
				return
			}
			last := got[len(got)-1]
			if last.Seq != tt.wantLast || last.Codec != codec.PCMA || last.SSRC != 9 || len(last.Payload) != tt.octets {
				t.Errorf("last = %+v", last)
			}
			want := start.Add(time.Duration(tt.frames-1) * 20 * time.Millisecond)
			if d := last.Arrival.Sub(want); d.Abs() > time.Microsecond {
				t.Errorf("arrival is off by %v", d)
			}
		})
	}
}

func TestSlowDiskDropsOldestAndSaysSo(t *testing.T) {
	h := newHouse(t)
	r, _ := h.start(time.Now())
	talk(r.Track(contact.Customer), 1, time.Now(), 2000) // 40 s at once: more than the ring holds
	if err := r.Seal(context.Background()); err != nil {
		t.Fatal(err)
	}
	tracks := h.info(r.ID()).Tracks
	if len(tracks) != 1 || tracks[0].Seconds >= 40 || tracks[0].Seconds < 2.5 {
		t.Errorf("tracks = %v, want the last seconds only", tracks)
	}
	if got := h.verify(r.ID()); !got.OK {
		t.Errorf("report = %+v", got)
	}
}
