//go:build linux

package main

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"time"

	"callfloor/contact"
	"callfloor/media"
	"callfloor/media/codec"
	"callfloor/web"
	"callfloor/web/seatclient"
)

const password = "a password for benchmarks"

// seat is an agent without a browser who answers at once and speaks.
type seat struct {
	g       *generator
	client  *seatclient.Client
	mic     *media.Source
	phase   time.Duration
	talking atomic.Bool
	packet  media.Packet
	payload [frameOctets]byte

	answered atomic.Int64 // when the command was given
	sink     media.SinkFunc
}

func (s *seat) at() time.Duration { return s.phase }
func (s *seat) on() bool          { return s.talking.Load() }

func (s *seat) say(now int64) {
	s.packet.Seq++
	s.packet.Timestamp += frameOctets
	s.packet.Arrival = time.Now()
	stamp(s.payload[:], now)
	s.mic.Emit(&s.packet)
}

// seats are all of them, with their clock.
type seats struct {
	all   []*seat
	pacer *media.Pacer
	stop  context.CancelFunc
	work  sync.WaitGroup
	toUs  struct {
		sync.Mutex
		delays []sample
	}
}

// seat signs n agents in and makes them available.
func (b *bench) seat(s *product, g *generator, n int) (*seats, error) {
	ctx, stop := context.WithCancel(context.Background())
	all := &seats{pacer: media.NewPacer(), stop: stop}
	for i := range n {
		one, err := all.signIn(ctx, s, g, fmt.Sprintf("agent%d", i))
		if err != nil {
			all.close()
			return nil, err
		}
		all.all = append(all.all, one)
		g.add(one)
		all.work.Go(func() { all.answer(ctx, one) })
	}
	return all, nil
}

func (a *seats) signIn(ctx context.Context, s *product, g *generator, user string) (*seat, error) {
	ctx, cancel := context.WithTimeout(ctx, 20*time.Second)
	defer cancel()
	var ignored any
	if err := s.post("/api/v1/users", s.token, map[string]any{"user": user, "role": "agent", "password": password, "settled": true}, &ignored); err != nil {
		return nil, err
	}
	var session struct{ Token string }
	if err := s.post("/api/v1/session", "", map[string]any{"user": user, "password": password}, &session); err != nil {
		return nil, err
	}
	one := &seat{g: g, mic: media.NewSource("mic"), phase: rand.N(frameTime)}
	one.packet = media.Packet{Codec: codec.PCMU, SSRC: rand.Uint32(), Payload: one.payload[:]}
	var err error
	one.client, err = seatclient.Dial(ctx, seatclient.Options{URL: s.url, Token: session.Token, Pacer: a.pacer, Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		return nil, err
	}
	if err := one.client.WaitMedia(ctx); err != nil {
		return nil, err
	}
	if err := one.client.WaitKey(ctx, "me", func(v json.RawMessage) bool {
		var me web.MeView
		return json.Unmarshal(v, &me) == nil && me.Ready
	}); err != nil {
		return nil, err
	}
	one.sink = func(p *media.Packet) { a.note(one, p) }
	one.client.Track(web.TrackCustomer).Attach(&one.sink)
	one.client.Mic().Hear(one.mic)
	return one, one.client.Do(ctx, web.Command{Do: web.DoState, State: contact.AgentAvailable})
}

// note takes the delay of a packet that the seat hears: from the phone's send
// to here, behind pion's reading.
func (a *seats) note(s *seat, p *media.Packet) {
	sent, ok := stamped(p.Payload)
	if !ok {
		return
	}
	if s.g.recording.Load() {
		now := time.Now().UnixNano()
		a.toUs.Lock()
		a.toUs.delays = append(a.toUs.delays, sample{now, time.Duration(now - sent)})
		a.toUs.Unlock()
	}
}

// answer takes the first call that rings.
func (a *seats) answer(ctx context.Context, s *seat) {
	var call web.CallView
	err := s.client.WaitKey(ctx, "call", func(v json.RawMessage) bool {
		call = web.CallView{}
		return v != nil && json.Unmarshal(v, &call) == nil && call.Phase == web.PhaseRinging
	})
	if err != nil {
		return
	}
	s.talking.Store(true) // the browser's microphone is on when it answers
	s.answered.Store(time.Now().UnixNano())
	if err := s.client.Do(ctx, web.Command{Do: web.DoAnswer, Contact: call.Contact}); err != nil {
		s.answered.Store(0)
		s.talking.Store(false)
	}
}

// talking is how many have a call.
func (a *seats) talking() (n int) {
	for _, s := range a.all {
		if s.answered.Load() != 0 {
			n++
		}
	}
	return n
}

func (a *seats) close() {
	a.stop()
	for _, s := range a.all {
		s.talking.Store(false)
	}
	time.Sleep(2 * frameTime)
	for _, s := range a.all {
		_ = s.client.Close()
	}
	a.work.Wait()
	a.pacer.Close()
}
