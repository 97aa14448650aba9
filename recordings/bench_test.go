package recordings_test

import (
	"io"
	"testing"
	"time"

	"callfloor/contact"
	"callfloor/media/codec"
	"callfloor/recordings"
)

// BenchmarkWritePacket is the part of recording that is in the media path.
func BenchmarkWritePacket(b *testing.B) {
	h := newHouse(b)
	r, _ := h.start(time.Now())
	track := r.Track(contact.Customer)
	v := voice{codec: codec.PCMU, ssrc: 1}
	p := v.packet(time.Now())
	b.ReportAllocs()
	for b.Loop() {
		track.WritePacket(p)
	}
}

// byHand starts a recording that is flushed by calling Flush.
func (h *house) byHand(answered time.Time) *recordings.Recording {
	h.t.Helper()
	g := h.grant()
	r, err := h.store.ByHand(g, recordings.Meta{Contact: g.Contact(), Line: "1000", Agent: "alice", Answered: answered})
	if err != nil {
		h.t.Fatal(err)
	}
	return r
}

// BenchmarkRecordSecond is all the work of recording one second of one call:
// both tracks, a flush each 600 ms, sealing and writing them.
func BenchmarkRecordSecond(b *testing.B) {
	h := newHouse(b)
	r := h.byHand(time.Now())
	customer, agent := r.Track(contact.Customer), r.Track(contact.Agent)
	v := voice{codec: codec.PCMU, ssrc: 1}
	p := v.packet(time.Now())
	b.ReportAllocs()
	n := 0
	for b.Loop() {
		for range 50 {
			customer.WritePacket(p)
			agent.WritePacket(p)
			if n++; n%30 == 0 {
				if err := r.Flush(); err != nil {
					b.Fatal(err)
				}
			}
		}
	}
	r.Finish()
}

// BenchmarkRenderHour reads an hour of stereo sound from its capture.
func BenchmarkRenderHour(b *testing.B) {
	h := newHouse(b)
	answered := time.Now().Add(-time.Hour)
	r := h.byHand(answered)
	customer, agent := r.Track(contact.Customer), r.Track(contact.Agent)
	v, w := voice{codec: codec.PCMU, ssrc: 1}, voice{codec: codec.PCMU, ssrc: 2}
	for at := time.Duration(0); at < time.Hour; at += 20 * time.Millisecond {
		customer.WritePacket(v.packet(answered.Add(at)))
		agent.WritePacket(w.packet(answered.Add(at)))
		if at%(400*time.Millisecond) == 0 {
			if err := r.Flush(); err != nil {
				b.Fatal(err)
			}
		}
	}
	r.Finish()
	b.ReportAllocs()
	for b.Loop() {
		a, err := h.store.Audio(b.Context(), r.ID())
		if err != nil {
			b.Fatal(err)
		}
		n, err := io.Copy(io.Discard, a)
		if err != nil {
			b.Fatal(err)
		}
		b.SetBytes(n)
		if err := a.(io.Closer).Close(); err != nil {
			b.Fatal(err)
		}
	}
}
