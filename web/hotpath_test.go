package web

import (
	"context"
	"log/slog"
	"testing"
	"time"

	"callfloor/media"
	"callfloor/media/codec"

	"github.com/pion/rtp"
	"github.com/pion/webrtc/v4"
)

// hotPath is a seat with a microphone on one side and a phone leg's sender on
// the other, and the other way round, without a network.
func hotPath(tb testing.TB) (fromBrowser, toBrowser func(i int)) {
	tb.Helper()
	pacer := media.NewPacer()
	server, err := New(DefaultConfig(), Options{Log: slog.New(slog.DiscardHandler), Pacer: pacer, House: &notebook{}, Authenticate: nobody})
	if err != nil {
		tb.Fatal(err)
	}
	seat := newSeat(server, Identity{User: "alice"})
	p := &peer{seat: seat, receiver: media.NewReceiver("agent")}
	p.receiver.SetPayloadTypes(map[uint8]codec.ID{0: codec.PCMU})
	p.receiver.Source().Attach(p)
	seat.live.Store(p)
	var written int
	write := func(*rtp.Header, []byte) error { written++; return nil }
	leg := media.NewSender(pacer, "customer")
	leg.SetOutput(media.Output{SSRC: 1, PayloadTypes: map[codec.ID]uint8{codec.PCMU: 0}, Write: write})
	leg.Hear(seat.Mic())
	seat.Track(TrackCustomer).SetOutput(media.Output{SSRC: 2, PayloadTypes: map[codec.ID]uint8{codec.PCMU: 0}, Write: write})
	customer := media.NewSource("customer")
	seat.Track(TrackCustomer).Hear(customer)
	tb.Cleanup(func() {
		if written == 0 {
			tb.Error("nothing was forwarded")
		}
		leg.Close()
		seat.retire()
		_ = server.Close(context.Background())
		pacer.Close()
	})
	begin := time.Now()
	raw := make([]byte, 172)
	raw[0] = 0x80
	packet := media.Packet{Codec: codec.PCMU, SSRC: 3, Payload: raw[12:]}
	return func(i int) {
			raw[2], raw[3] = byte(i>>8), byte(i)
			ts := uint32(160 * i)
			raw[4], raw[5], raw[6], raw[7] = byte(ts>>24), byte(ts>>16), byte(ts>>8), byte(ts)
			_ = p.receiver.WriteRTP(raw, begin.Add(time.Duration(i)*20*time.Millisecond))
		}, func(i int) {
			packet.Seq, packet.Timestamp = uint16(i), uint32(160*i)
			packet.Arrival = begin.Add(time.Duration(i) * 20 * time.Millisecond)
			customer.Emit(&packet)
		}
}

func TestHotPathAllocatesNothing(t *testing.T) {
	fromBrowser, toBrowser := hotPath(t)
	i := 0
	if n := testing.AllocsPerRun(1000, func() { fromBrowser(i); toBrowser(i); i++ }); n != 0 {
		t.Errorf("%v allocations for a packet each way, want 0", n)
	}
}

func BenchmarkFromBrowser(b *testing.B) {
	fromBrowser, toBrowser := hotPath(b)
	toBrowser(0)
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		fromBrowser(i)
	}
}

func BenchmarkToBrowser(b *testing.B) {
	_, toBrowser := hotPath(b)
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		toBrowser(i)
	}
}

// The browser's own payload types are used, not ours.
func TestPayloadTypes(t *testing.T) {
	got := PayloadTypes([]webrtc.RTPCodecParameters{
		{PayloadType: 96, RTPCodecCapability: webrtc.RTPCodecCapability{MimeType: "audio/OPUS"}},
		{PayloadType: 0, RTPCodecCapability: webrtc.RTPCodecCapability{MimeType: "audio/pcmu"}},
		{PayloadType: 13, RTPCodecCapability: webrtc.RTPCodecCapability{MimeType: "audio/CN"}},
	})
	if len(got) != 2 || got[96] != codec.Opus || got[0] != codec.PCMU {
		t.Errorf("%v", got)
	}
}
