package app

import (
	"context"
	"encoding/json"
	"log/slog"
	"net/http"
	"strings"
	"testing"
	"time"

	"callfloor/call"
	"callfloor/contact"
	"callfloor/internal/config"
	"callfloor/phone"
	"callfloor/recordings"
)

// start runs the whole product in this process, on free ports of loopback.
func start(t *testing.T, dir string) *App {
	t.Helper()
	return startWith(t, dir, Options{Version: "test", Pages: http.NotFoundHandler()})
}

func startWith(t *testing.T, dir string, o Options) *App {
	t.Helper()
	cfg, err := config.Load(config.Source{Demo: true, Flags: []config.Flag{
		{Name: "--data", Key: "data", Value: dir},
		{Name: "--sip", Key: "sip.listen", Value: "127.0.0.1:0"},
		{Name: "--http", Key: "http.listen", Value: "127.0.0.1:0"},
		{Name: "--webrtc", Key: "webrtc.listen", Value: "127.0.0.1:0"},
		{Name: "--rtp-ports", Key: "sip.rtp_ports", Value: "19000-19199"},
	}})
	must(t, err)
	a, err := New(t.Context(), cfg, slog.New(slog.DiscardHandler), o)
	must(t, err)
	if err := a.Start(t.Context()); err != nil {
		_ = a.Stop(context.Background())
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := a.Stop(context.Background()); err != nil {
			t.Errorf("stop: %v", err)
		}
		http.DefaultClient.CloseIdleConnections()
	})
	return a
}

// TestTheWholeProduct makes a call from the built-in phone to a seat without a
// browser, under the race detector and the goroutine leak check.
func TestTheWholeProduct(t *testing.T) {
	a := start(t, t.TempDir())
	seat := make(chan phone.SeatResult, 1)
	ctx, leave := context.WithCancel(t.Context())
	go func() {
		r, err := phone.Seat(ctx, phone.SeatOptions{Server: a.Addrs().URL, User: "alice", Password: "demo", Play: "tone:620", For: time.Minute})
		if err != nil && ctx.Err() == nil {
			t.Errorf("the seat: %v", err)
		}
		seat <- r
	}()
	r, err := phone.Call(t.Context(), phone.CallOptions{
		URI: "sip:1000@" + a.Addrs().SIP.String(), Play: "tone:440", DTMF: "1@3s,1@5s", For: 9 * time.Second, From: "13812341234",
	})
	must(t, err)
	if r.Result != "completed" || r.Digits != "11" || r.SeqHoles != 0 || r.SSRCChanges != 0 {
		t.Errorf("the phone: %+v", r)
	}
	var c call.Detail
	waitFor(t, "the call is over and its recording sealed", func() bool {
		list, err := a.journal.List(t.Context(), call.Query{})
		must(t, err)
		if len(list) != 1 || list[0].Ended == nil {
			return false
		}
		c, err = a.journal.Show(t.Context(), list[0].ID)
		must(t, err)
		return c.Recording != nil && strings.Contains(texts(c), "recording sealed")
	})
	if c.Consent != contact.ConsentGranted || c.Agent == nil || *c.Agent != "alice" || c.End.By != contact.Customer || c.End.Class != contact.EndCompleted {
		t.Errorf("the record: %+v", c.Record)
	}
	report, err := a.recordings.Verify(t.Context(), *c.Recording)
	must(t, err)
	if !report.OK {
		t.Errorf("the recording does not verify: %+v", report)
	}
	list, err := a.recordings.List(t.Context(), recordings.Query{})
	must(t, err)
	if len(list) != 1 || list[0].State != recordings.StateSealed || len(list[0].Tracks) != 2 {
		t.Errorf("recordings: %+v", list)
	}
	if _, err := json.Marshal(c); err != nil {
		t.Error(err)
	}
	leave()
	<-seat
}

func texts(c call.Detail) string {
	var b strings.Builder
	for _, e := range c.Timeline {
		b.WriteString(e.Text + "\n")
	}
	return b.String()
}

func waitFor(t *testing.T, what string, ok func() bool) {
	t.Helper()
	for deadline := time.Now().Add(20 * time.Second); !ok(); {
		if time.Now().After(deadline) {
			t.Fatalf("waited in vain until %s", what)
		}
		time.Sleep(20 * time.Millisecond) // between two looks
	}
}

// TestStopBeforeStart: an App that never started stops cleanly, and so does one
// whose port is taken.
func TestStopBeforeStart(t *testing.T) {
	a := start(t, t.TempDir())
	cfg := a.cfg
	cfg.Data = t.TempDir()
	cfg.SIP.Listen = a.Addrs().SIP.String()
	b, err := New(t.Context(), cfg, slog.New(slog.DiscardHandler), Options{Pages: http.NotFoundHandler()})
	must(t, err)
	if err := b.Start(t.Context()); err == nil || !strings.Contains(err.Error(), a.Addrs().SIP.String()) {
		t.Errorf("start on a taken port: %v; want an error that names it", err)
	}
	must(t, b.Stop(context.Background()))
}
