package recordings_test

import (
	"bytes"
	"io"
	"math"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"testing"
	"time"

	"callfloor/contact"
	"callfloor/media/codec"
	"callfloor/media/wav"
	"callfloor/recordings"
)

// sides exports a recording and returns its two channels.
func (h *house) sides(id string) (left, right []int16) {
	h.t.Helper()
	f, err := os.Create(filepath.Join(h.t.TempDir(), "out.wav"))
	if err != nil {
		h.t.Fatal(err)
	}
	defer f.Close() //nolint:errcheck // a test's file
	if err := h.store.Export(h.t.(*testing.T).Context(), id, f); err != nil {
		h.t.Fatal(err)
	}
	samples, rate, channels, err := wav.Read(bytes.NewReader(read(h.t, f.Name())))
	if err != nil || rate != 8000 || channels != 2 {
		h.t.Fatalf("the WAV file: %d Hz, %d channels, %v", rate, channels, err)
	}
	for i := 0; i+1 < len(samples); i += 2 {
		left, right = append(left, samples[i]), append(right, samples[i+1])
	}
	return left, right
}

// loud says whether there is sound between two times.
func loud(samples []int16, from, to time.Duration) bool {
	sum := 0
	part := samples[from.Milliseconds()*8 : to.Milliseconds()*8]
	for _, s := range part {
		sum += int(s) * int(s)
	}
	return sum/len(part) > 1_000_000
}

const ms = time.Millisecond

func TestExportPlacesSides(t *testing.T) {
	h := newHouse(t)
	answered := time.Now().Add(-4 * time.Second)
	r, _ := h.start(answered)
	hold := recordings.NewAnswerHold(0)
	talk(hold, 1, answered.Add(-2*time.Second), 50) // a proof is no sound of the call
	r.Proof(hold)
	talk(r.Track(contact.Customer), 1, answered, 50)
	talk(r.Track(contact.Agent), 2, answered.Add(2*time.Second), 50)
	if err := r.Seal(t.Context()); err != nil {
		t.Fatal(err)
	}
	left, right := h.sides(r.ID())
	if want := int(math.Round(*h.info(r.ID()).Duration*1000)) * 8; len(left) != want || len(right) != want {
		t.Fatalf("%d and %d samples, want %d", len(left), len(right), want)
	}
	if !loud(left, 0, 990*ms) || loud(left, 1010*ms, 4000*ms) {
		t.Error("the customer is not where the customer spoke, on the left from 0 s to 1 s")
	}
	if loud(right, 0, 1990*ms) || !loud(right, 2010*ms, 2990*ms) || loud(right, 3010*ms, 4000*ms) {
		t.Error("the agent is not where the agent spoke, on the right from 2 s to 3 s")
	}
	if left[0] == 0 && left[1] == 0 && left[2] == 0 && left[3] == 0 {
		t.Error("sample 0 is not the answer")
	}
}

// A lost packet is 20 ms of silence, and what follows stays in its place.
func TestExportGapIsSilence(t *testing.T) {
	h := newHouse(t)
	answered := time.Now().Add(-2 * time.Second)
	r, _ := h.start(answered)
	track := r.Track(contact.Customer)
	v := voice{codec: codec.PCMU, ssrc: 1}
	for i := range 100 {
		jitter := time.Duration(rand.IntN(30)) * ms
		p := v.packet(answered.Add(time.Duration(i)*20*ms + jitter))
		if i < 30 || i >= 40 {
			track.WritePacket(p)
		}
	}
	if err := r.Seal(t.Context()); err != nil {
		t.Fatal(err)
	}
	left, _ := h.sides(r.ID())
	if !loud(left, 50*ms, 590*ms) || loud(left, 640*ms, 790*ms) || !loud(left, 840*ms, 1990*ms) {
		t.Error("the gap from 600 ms to 800 ms is not where it was")
	}
}

// After a reload the agent's stream is a new one; it goes on where it arrives.
func TestExportAfterReload(t *testing.T) {
	h := newHouse(t)
	answered := time.Now().Add(-4 * time.Second)
	r, _ := h.start(answered)
	track := r.Track(contact.Agent)
	talk(track, 1, answered, 50)
	r.Mark("agent_lost", nil)
	next := voice{codec: codec.PCMU, ssrc: 2, seq: 40000, ts: 123456789}
	for i := range 50 {
		track.WritePacket(next.packet(answered.Add(2500*ms + time.Duration(i)*20*ms)))
	}
	if err := r.Seal(t.Context()); err != nil {
		t.Fatal(err)
	}
	_, right := h.sides(r.ID())
	if !loud(right, 0, 990*ms) || loud(right, 1010*ms, 2490*ms) || !loud(right, 2510*ms, 3490*ms) {
		t.Error("the second stream is not placed by its arrival")
	}
}

// Any range of the file is the same as that part of the whole, as players ask.
func TestAudioRanges(t *testing.T) {
	h := newHouse(t)
	id := h.sealed(400)
	open := func() io.ReadSeeker {
		a, err := h.store.Audio(t.Context(), id)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() {
			if err := a.(io.Closer).Close(); err != nil {
				t.Error(err)
			}
		})
		return a
	}
	whole, err := io.ReadAll(open())
	if err != nil {
		t.Fatal(err)
	}
	audio := open()
	if size, err := audio.Seek(0, io.SeekEnd); err != nil || size != int64(len(whole)) {
		t.Errorf("size = %d, %v; want %d", size, err, len(whole))
	}
	for range 60 {
		from := rand.IntN(len(whole))
		part := make([]byte, 1+rand.IntN(len(whole)-from))
		if _, err := audio.Seek(int64(from), io.SeekStart); err != nil {
			t.Fatal(err)
		}
		if _, err := io.ReadFull(audio, part); err != nil || !bytes.Equal(part, whole[from:from+len(part)]) {
			t.Errorf("octets %d to %d differ: %v", from, from+len(part), err)
		}
	}
	if _, err := audio.Seek(-1, io.SeekStart); err == nil {
		t.Error("it seeks before its beginning")
	}
	if _, err := audio.Seek(0, 7); err == nil {
		t.Error("it takes any whence")
	}
	w := httptest.NewRecorder()
	req := httptest.NewRequest(http.MethodGet, "/", nil)
	req.Header.Set("Range", "bytes=1000-1999")
	http.ServeContent(w, req, "a.wav", time.Time{}, open())
	if w.Code != http.StatusPartialContent || !bytes.Equal(w.Body.Bytes(), whole[1000:2000]) {
		t.Errorf("ServeContent: %d, %d octets", w.Code, w.Body.Len())
	}
}

func TestAudioWhileRecording(t *testing.T) {
	h := newHouse(t)
	answered := time.Now().Add(-3 * time.Second)
	r, _ := h.start(answered)
	talk(r.Track(contact.Customer), 1, answered, 100)
	reader := openHouse(t, h.dir, recordings.Options{})
	waitFor(t, func() bool { return len(reader.info(r.ID()).Tracks) == 1 })
	left, _ := reader.sides(r.ID())
	if len(left) != 2*8000 || !loud(left, 0, 1990*ms) {
		t.Errorf("%d samples of what is there, want two seconds", len(left))
	}
}

func TestAudioOfDamaged(t *testing.T) {
	h := newHouse(t)
	id := h.sealed(100)
	b := read(t, h.file(id))
	b[len(b)/2] ^= 1
	write(t, h.file(id), b)
	if err := h.store.Export(t.Context(), id, discardSeeker{}); err == nil {
		t.Error("a damaged recording is exported without a word")
	}
	if _, err := h.store.Peaks(t.Context(), id, 10); err == nil {
		t.Error("a damaged recording has peaks")
	}
}

type discardSeeker struct{}

func (discardSeeker) Write(b []byte) (int, error)    { return len(b), nil }
func (discardSeeker) Seek(int64, int) (int64, error) { return 0, nil }

func TestPeaks(t *testing.T) {
	h := newHouse(t)
	answered := time.Now().Add(-4 * time.Second)
	r, _ := h.start(answered)
	talk(r.Track(contact.Customer), 1, answered, 50)
	talk(r.Track(contact.Agent), 2, answered.Add(2*time.Second), 50)
	r.Mark("hold", map[string]any{"text": "on hold"})
	r.Mark("agent_lost", nil)
	if err := r.Seal(t.Context()); err != nil {
		t.Fatal(err)
	}
	p, err := h.store.Peaks(t.Context(), r.ID(), 4)
	if err != nil {
		t.Fatal(err)
	}
	near := func(v float64) bool { return v > 0.2 && v < 0.28 } // 8000 of 32768
	if len(p.Customer) != 4 || !near(p.Customer[0]) || p.Customer[2] != 0 || p.Customer[3] != 0 {
		t.Errorf("customer = %v", p.Customer)
	}
	if len(p.Agent) != 4 || p.Agent[0] != 0 || !near(p.Agent[2]) || p.Agent[3] != 0 {
		t.Errorf("agent = %v", p.Agent)
	}
	if len(p.Marks) != 2 || p.Marks[0].Kind != "hold" || p.Marks[0].Text != "on hold" || p.Marks[1].Text != "agent lost" || p.Marks[0].At < 4 {
		t.Errorf("marks = %+v", p.Marks)
	}
	for _, n := range []int{0, -1, 10_001} {
		if _, err := h.store.Peaks(t.Context(), r.ID(), n); contact.ErrorCode(err) != contact.Invalid {
			t.Errorf("%d parts: %v", n, err)
		}
	}
	for _, n := range []int{1, 7, 10_000} {
		if p, err := h.store.Peaks(t.Context(), r.ID(), n); err != nil || len(p.Agent) != n {
			t.Errorf("%d parts: %v", n, err)
		}
	}
}

func TestSoundOfNothing(t *testing.T) {
	h := newHouse(t)
	r, _ := h.start(time.Now().Add(time.Hour)) // answered "later": a clock went back
	if err := r.Seal(t.Context()); err != nil {
		t.Fatal(err)
	}
	if left, _ := h.sides(r.ID()); len(left) != 0 {
		t.Errorf("%d samples", len(left))
	}
	if p, err := h.store.Peaks(t.Context(), r.ID(), 3); err != nil || p.Duration != 0 {
		t.Errorf("peaks = %+v, %v", p, err)
	}
	for _, id := range []string{string(contact.NewID()), "../../etc/passwd", ""} {
		if _, err := h.store.Audio(t.Context(), id); contact.ErrorCode(err) != contact.NotFound {
			t.Errorf("Audio(%q): %v, want contact.NotFound", id, err)
		}
	}
}
