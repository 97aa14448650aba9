package phone_test

import (
	"context"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"callfloor/contact"
	"callfloor/media"
	"callfloor/media/codec"
	"callfloor/media/wav"
	"callfloor/phone"
	"callfloor/sip"
)

// exchange is a SIP server on a loopback port whose lines behave like the
// demo's: echo answers with what it hears, and so on.
func exchange(t *testing.T) (host string, digits <-chan rune) {
	t.Helper()
	pressed := make(chan rune, 64)
	pacer := media.NewPacer()
	ports, err := media.NewPorts(21000, 22000)
	if err != nil {
		t.Fatal(err)
	}
	cfg := sip.DefaultConfig()
	cfg.Listen = "127.0.0.1:0"
	srv, err := sip.New(cfg, sip.Options{Pacer: pacer, Ports: ports, OnCall: func(l *sip.Leg) { serve(l, pressed) }})
	if err != nil {
		t.Fatal(err)
	}
	if err := srv.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		defer cancel()
		if err := srv.Close(ctx); err != nil {
			t.Error(err)
		}
		pacer.Close()
	})
	return srv.Addr().String(), pressed
}

func serve(l *sip.Leg, pressed chan<- rune) {
	ctx := context.Background()
	switch l.Called() {
	case "echo":
		if l.Answer(ctx) != nil {
			return
		}
		l.Sender().Hear(l.Source())
		for {
			select {
			case d := <-l.Digits():
				pressed <- d.Key
			case <-l.Done():
				return
			}
		}
	case "ring":
		_ = l.Ring()
	case "bye":
		if l.Answer(ctx) == nil {
			l.Sender().Fill(l.Codec())
			time.AfterFunc(500*time.Millisecond, func() { l.Hangup(contact.EndCause{By: contact.System, Class: contact.EndCompleted}) })
		}
	case "busy":
		_ = l.Reject(486, "Busy Here")
	case "closed":
		if heard, err := l.Early(ctx); heard && err == nil {
			l.Sender().Fill(l.Codec())
			time.AfterFunc(500*time.Millisecond, func() {
				l.Hangup(contact.EndCause{By: contact.System, Class: contact.EndRejected, SIP: 480})
			})
		}
	default:
		_ = l.Reject(404, "Not Found")
	}
}

func TestCallHearsItsEcho(t *testing.T) {
	for _, c := range []struct {
		codec     codec.ID
		transport string
	}{{codec.PCMU, ""}, {codec.PCMA, ";transport=tcp"}} {
		t.Run(c.codec.String()+c.transport, func(t *testing.T) {
			host, digits := exchange(t)
			name := filepath.Join(t.TempDir(), "heard.wav")
			res, err := phone.Call(t.Context(), phone.CallOptions{
				URI: "sip:echo@" + host + c.transport, Codecs: []codec.ID{c.codec},
				Play: "tone:440", DTMF: "1@300ms,#@800ms", For: 2 * time.Second, Record: name,
			})
			if err != nil {
				t.Fatal(err)
			}
			if res.Result != phone.Completed || *res.SIPStatus != 200 || *res.Codec != c.codec.String() || res.Digits != "1#" || *res.EndedBy != "local" {
				t.Errorf("result %+v", res)
			}
			if res.Sent < 80 || res.Received < 60 || res.SSRCChanges != 0 || *res.SetupMS <= 0 || *res.Score < 1 {
				t.Errorf("figures %+v", res)
			}
			if a, b := <-digits, <-digits; a != '1' || b != '#' {
				t.Errorf("the far end got %c %c", a, b)
			}
			wantTone(t, name, 440, 1900*time.Millisecond)
		})
	}
}

// wantTone checks that a recording is about as long as it should be and holds
// a tone by its level at its frequency (Goertzel) in its last second.
func wantTone(t *testing.T, name string, hz float64, atLeast time.Duration) {
	t.Helper()
	f, err := os.Open(name)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = f.Close() }()
	samples, rate, channels, err := wav.Read(f)
	if err != nil || rate != 8000 || channels != 1 {
		t.Fatalf("%d Hz, %d channels, %v", rate, channels, err)
	}
	if d := time.Duration(len(samples)) * time.Second / 8000; d < atLeast || d > atLeast+time.Second {
		t.Errorf("the recording is %v long", d)
	}
	last := samples[len(samples)-6000 : len(samples)-2000]
	// In windows of 50 ms, since a packet that was late on a busy machine moves
	// what follows, and with it the phase.
	const window = 400
	var tone, all float64
	for i := 0; i+window <= len(last); i += window {
		var re, im float64
		for k, s := range last[i : i+window] {
			v := float64(s)
			re += v * math.Cos(2*math.Pi*hz*float64(k)/8000)
			im += v * math.Sin(2*math.Pi*hz*float64(k)/8000)
			all += v * v
		}
		tone += 2 * (re*re + im*im) / window
	}
	n := float64(len(last))
	if part := tone / all; part < 0.9 {
		t.Errorf("%.0f %% of the sound is the tone", 100*part)
	}
	if level := 20 * math.Log10(math.Sqrt(2*all/n)/math.MaxInt16); level < -13 || level > -11 {
		t.Errorf("the tone comes back at %.1f dBFS, wanted -12", level)
	}
}

func TestCallThatIsRefused(t *testing.T) {
	host, _ := exchange(t)
	for user, status := range map[string]int{"busy": 486, "nobody": 404, "closed": 480} {
		res, err := phone.Call(t.Context(), phone.CallOptions{URI: "sip:" + user + "@" + host, For: time.Second})
		if err != nil || res.Result != phone.Rejected || res.SIPStatus == nil || *res.SIPStatus != status {
			t.Errorf("%s: %+v, %v", user, res, err)
		}
		if (res.Early > 0) != (user == "closed") {
			t.Errorf("%s: %d packets before the answer", user, res.Early)
		}
	}
}

func TestCallThatTheFarEndEnds(t *testing.T) {
	host, _ := exchange(t)
	res, err := phone.Call(t.Context(), phone.CallOptions{URI: "sip:bye@" + host, For: time.Minute})
	if err != nil || res.Result != phone.Completed || *res.EndedBy != "remote" {
		t.Errorf("%+v, %v", res, err)
	}
	if res.MaxGapMS <= 0 || res.SeqHoles != 0 {
		t.Errorf("max gap %v ms, %d holes", res.MaxGapMS, res.SeqHoles)
	}
}

func TestCallThatIsCancelled(t *testing.T) {
	host, _ := exchange(t)
	ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
	defer cancel()
	res, err := phone.Call(ctx, phone.CallOptions{URI: "sip:ring@" + host})
	if err != nil || res.Result != phone.Failed || res.EndedBy == nil || *res.EndedBy != "local" {
		t.Errorf("%+v, %v", res, err)
	}
}

func TestCallThatNobodyAnswers(t *testing.T) {
	host, _ := exchange(t)
	res, err := phone.Call(t.Context(), phone.CallOptions{URI: "sip:ring@" + host, RingFor: 200 * time.Millisecond})
	if err != nil || res.Result != phone.Failed || res.SIPStatus != nil || res.Error == nil || !strings.Contains(*res.Error, "nobody answered") {
		t.Errorf("%+v, %v", res, err)
	}
}

func TestCallSaysWhatIsWrong(t *testing.T) {
	for want, o := range map[string]phone.CallOptions{
		"not KEY@TIME":         {URI: "sip:1@127.0.0.1", DTMF: "1@soon"},
		"not a SIP URI":        {URI: "http://127.0.0.1"},
		"tone must be":         {URI: "sip:1@127.0.0.1", Play: "tone:high"},
		"no such file":         {URI: "sip:1@127.0.0.1", Play: "/nonexistent.wav"},
		"KEY@TIME; write 1@4s": {URI: "sip:1@127.0.0.1", DTMF: "Z@1s"},
	} {
		if res, err := phone.Call(t.Context(), o); err == nil || !strings.Contains(err.Error(), want) || res.Result != phone.Failed {
			t.Errorf("%+v: %v", o, err)
		}
	}
}

func TestLoad(t *testing.T) {
	host, _ := exchange(t)
	var last phone.LoadProgress
	res, err := phone.Load(t.Context(), phone.LoadOptions{Target: "sip:echo@" + host, N: 8, Rate: 40, For: 700 * time.Millisecond, Play: "tone:600"}, func(p phone.LoadProgress) { last = p })
	if err != nil {
		t.Fatal(err)
	}
	if res.Calls != 8 || res.Completed != 8 || res.Statuses["200"] != 8 || res.Received == 0 || res.SetupMS.P99 < res.SetupMS.P50 {
		t.Errorf("result %+v", res)
	}
	if res.EchoMS == nil || res.EchoMS.Min < 0 || res.PhoneToSeatMS != nil || res.Due < 8*20 || res.Seats != nil || res.Server != nil {
		t.Errorf("delays and due packets %+v", res)
	}
	if last.Started != 8 || last.Active != 0 || last.Completed != 8 {
		t.Errorf("last progress %+v", last)
	}
	if _, err := phone.Load(t.Context(), phone.LoadOptions{Target: "sip:echo@" + host}, nil); err == nil {
		t.Error("no calls at no rate is accepted")
	}
	seats := phone.LoadOptions{Target: "sip:echo@" + host, N: 1, Rate: 1, For: time.Second, Seats: []phone.SeatUser{{User: "alice"}}}
	if _, err := phone.Load(t.Context(), seats, nil); err == nil {
		t.Error("seats without a server are accepted")
	}
	seats.Server = "http://127.0.0.1:1"
	if _, err := phone.Load(t.Context(), seats, nil); err == nil || !strings.Contains(err.Error(), "alice") {
		t.Errorf("seats that cannot sign in: %v", err)
	}
}
