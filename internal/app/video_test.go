package app

import (
	"context"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"callfloor/api"
	"callfloor/contact"
	"callfloor/media"
	"callfloor/media/codec"
	"callfloor/web"
	"callfloor/web/seatclient"
)

// stillLife is a camera that shoots key frames, ten a second.
func stillLife(t *testing.T) *media.Camera {
	camera := media.NewCamera("still life")
	ctx, cancel := context.WithCancel(t.Context())
	var done sync.WaitGroup
	done.Go(func() {
		tick := time.NewTicker(100 * time.Millisecond)
		defer tick.Stop()
		for n := uint16(0); ; n++ {
			select {
			case <-ctx.Done():
				return
			case now := <-tick.C:
				camera.Source().Emit(&media.Packet{Codec: codec.VP8, Marker: true, Seq: n, Timestamp: uint32(n) * 9000, SSRC: 1, Payload: append([]byte{0x10, 0x00}, make([]byte, 400)...), Arrival: now})
			}
		}
	})
	t.Cleanup(func() { cancel(); done.Wait() })
	return camera
}

// pictures counts what comes on a track of a seat.
func pictures(s *seatclient.Client, track string) *atomic.Int64 {
	n := &atomic.Int64{}
	sink := media.SinkFunc(func(*media.Packet) { n.Add(1) })
	s.Picture(track).Attach(&sink)
	return n
}

// TestVideo: a customer at a page and an agent show themselves to one another,
// each by their own hand; a second agent sees the first; hold hides all.
func TestVideo(t *testing.T) {
	t.Parallel()
	a := start(t, t.TempDir())
	ada, alice, bob := sit(t, a, "ada"), sit(t, a, "alice"), sit(t, a, "bob")
	for _, s := range []*seatclient.Client{ada, alice, bob} {
		s.Mic().Fill(codec.PCMU)
	}
	do(t, alice, web.Command{Do: web.DoState, State: contact.AgentAvailable})
	draft := "nodes:\n  in: {kind: queue, queue: sales, refused: bye}\n  bye: {kind: hangup, say: goodbye}\n"
	_, err := a.flowCalls.Begin(t.Context(), "ada", api.FlowCall{Name: "draft", Text: &draft, Line: "1002", Caller: "13900001111"})
	must(t, err)
	takes(t, alice)
	see(t, alice, "there is somebody to show to", func(v web.CallView) bool { return v.Video != nil && v.Video.Own == "" && len(v.Video.Shown) == 0 })
	flowCallIs(t, ada, "so there is for the customer", func(v web.FlowCallView) bool { return v.Video != nil && v.Video.Codec == "VP8" })

	atAda, atAlice, atBob := pictures(ada, web.TrackCustomer), pictures(alice, web.TrackCustomer), pictures(bob, web.TrackThird)
	alice.Show(stillLife(t))
	ada.Show(stillLife(t))
	time.Sleep(300 * time.Millisecond) // both send; nobody has said that it is to be seen
	if n := atAda.Load() + atAlice.Load(); n != 0 {
		t.Fatalf("%d packets of pictures that nobody shows", n)
	}
	do(t, alice, web.Command{Do: web.DoVideo, On: true, Source: web.VideoCamera})
	waitFor(t, "the customer sees the agent", func() bool { return atAda.Load() > 2 })
	flowCallIs(t, ada, "they are told", func(v web.FlowCallView) bool {
		return len(v.Video.Shown) == 1 && v.Video.Shown[0] == web.ShownView{Track: "customer", User: "alice", Name: "Alice", Source: "camera", State: "on"}
	})
	do(t, ada, web.Command{Do: web.DoVideo, On: true, Source: web.VideoScreen})
	waitFor(t, "the agent sees the customer", func() bool { return atAlice.Load() > 2 })
	see(t, alice, "who is seen by the customer", func(v web.CallView) bool {
		return v.Video.Own == "camera" && v.Video.State == "on" && len(v.Video.SeenBy) == 1 && v.Video.SeenBy[0] == "" &&
			len(v.Video.Shown) == 1 && v.Video.Shown[0].Source == "screen" && v.Video.Shown[0].Track == "customer"
	})

	do(t, bob, web.Command{Do: web.DoState, State: contact.AgentAvailable})
	do(t, alice, web.Command{Do: web.DoConsult, To: &web.Target{Kind: web.TargetAgent, ID: "bob"}})
	takes(t, bob)
	waitFor(t, "the second one sees the first", func() bool { return atBob.Load() > 2 })
	see(t, alice, "the customer does not meanwhile", func(v web.CallView) bool {
		return len(v.Video.SeenBy) == 1 && v.Video.SeenBy[0] == "Bob" && v.Video.Shown[0].State == "held"
	})
	do(t, alice, web.Command{Do: web.DoDrop})
	see(t, alice, "and does again", func(v web.CallView) bool { return len(v.Video.SeenBy) == 1 && v.Video.SeenBy[0] == "" })

	do(t, alice, web.Command{Do: web.DoVideo, Reason: web.ReasonNetwork})
	see(t, alice, "the page stops by itself", func(v web.CallView) bool { return v.Video.Own == "" && len(v.Video.SeenBy) == 0 })
	if err := bob.Do(t.Context(), web.Command{Do: web.DoVideo, On: true, Source: web.VideoCamera}); contact.ErrorCode(err) != contact.Conflict {
		t.Errorf("shown without a call: %v", err)
	}
	must(t, a.flowCalls.End("ada"))
	see(t, alice, "nothing is left", func(v web.CallView) bool { return v.Phase == web.PhaseWrapUp && v.Video == nil })
}
