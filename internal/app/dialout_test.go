package app

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"callfloor/call"
	"callfloor/contact"
	"callfloor/internal/config"
	"callfloor/media"
	"callfloor/outbound"
	"callfloor/sip"
	"callfloor/web"
	"callfloor/web/seatclient"
)

// carrier is a SIP server that answers as the last digits of a number say:
// …01 answers after early media, …02 is busy, …03 rings for ever, …04 answers
// and hangs up after a second, …05 has a fault.
type carrier struct {
	srv   *sip.Server
	pacer *media.Pacer
	calls chan *sip.Leg
}

func newCarrier(t *testing.T) *carrier {
	t.Helper()
	c := &carrier{pacer: media.NewPacer(), calls: make(chan *sip.Leg, 64)}
	ports, err := media.NewPorts(19300, 19499)
	must(t, err)
	cfg := sip.DefaultConfig()
	cfg.Listen = "127.0.0.1:0"
	c.srv, err = sip.New(cfg, sip.Options{Pacer: c.pacer, Ports: ports, OnCall: c.onCall})
	must(t, err)
	must(t, c.srv.Start())
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
		defer cancel()
		_ = c.srv.Close(ctx)
		c.pacer.Close()
	})
	return c
}

func (c *carrier) onCall(l *sip.Leg) {
	number := l.Called()
	switch number[max(0, len(number)-2):] {
	case "02":
		_ = l.Reject(486, "Busy Here")
	case "03":
		_ = l.Ring()
		<-l.Done()
	case "05":
		_ = l.Reject(500, "Server Internal Error")
	default:
		_ = l.Ring()
		time.Sleep(200 * time.Millisecond) // somebody goes to the phone
		if l.Answer(context.Background()) != nil {
			return
		}
		c.calls <- l
		l.Sender().Fill(l.Codec())
		if strings.HasSuffix(number, "04") {
			time.Sleep(time.Second)
			l.Hangup(contact.EndCause{By: contact.System, Class: contact.EndCompleted})
		}
		<-l.Done()
	}
}

// startOut is the demo with a carrier and rules.
func startOut(t *testing.T, c *carrier, trunks, more string) *App {
	t.Helper()
	dir := t.TempDir()
	file := filepath.Join(dir, "callfloor.yaml")
	must(t, os.WriteFile(file, []byte(fmt.Sprintf(`
trunks:
%s
  - id: carrier
    order: 1
    hosts: [%q]
outbound:
  rules:
    - lines: ["1000", "1001", "1002"]
      purposes: [seat, api]
      countries: [CN]
%s
`, trunks, c.srv.Addr(), more)), 0o600))
	cfg, err := config.Load(config.Source{Demo: true, File: file, Flags: []config.Flag{
		{Name: "--data", Key: "data", Value: dir}, {Name: "--sip", Key: "sip.listen", Value: "127.0.0.1:0"},
		{Name: "--http", Key: "http.listen", Value: "127.0.0.1:0"}, {Name: "--webrtc", Key: "webrtc.listen", Value: "127.0.0.1:0"},
		{Name: "--rtp-ports", Key: "sip.rtp_ports", Value: "19500-19899"},
	}})
	must(t, err)
	a, err := New(t.Context(), cfg, slog.New(slog.DiscardHandler), Options{Version: "test", Pages: http.NotFoundHandler()})
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

// sit opens a seat whose media is up.
func sit(t *testing.T, a *App, user string) *seatclient.Client {
	t.Helper()
	body, err := json.Marshal(map[string]string{"user": user, "password": "demo"})
	must(t, err)
	resp, err := http.Post(a.Addrs().URL+"/api/v1/session", "application/json", bytes.NewReader(body))
	must(t, err)
	defer func() { _ = resp.Body.Close() }()
	var session struct{ Token string }
	must(t, json.NewDecoder(resp.Body).Decode(&session))
	pacer := media.NewPacer()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	s, err := seatclient.Dial(ctx, seatclient.Options{URL: a.Addrs().URL, Token: session.Token, Video: true, Pacer: pacer, Log: slog.New(slog.DiscardHandler)})
	must(t, err)
	t.Cleanup(func() { _ = s.Close(); pacer.Close() })
	must(t, s.WaitMedia(ctx))
	waitFor(t, "the seat is ready", func() bool {
		seat, ok := a.seats.Seat(user)
		return ok && seat.CanSpeak()
	})
	return s
}

// see waits until the seat's call looks as wanted.
func see(t *testing.T, s *seatclient.Client, what string, pleases func(web.CallView) bool) web.CallView {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	var v web.CallView
	err := s.WaitKey(ctx, "call", func(raw json.RawMessage) bool {
		v = web.CallView{}
		return json.Unmarshal(raw, &v) == nil && pleases(v)
	})
	if err != nil {
		t.Fatalf("waited in vain until %s; the call is %+v", what, v)
	}
	return v
}

func phaseIs(p web.Phase) func(web.CallView) bool {
	return func(v web.CallView) bool { return v.Phase == p }
}

func isOver(v web.CallView) bool { return v.Phase == web.PhaseWrapUp && v.Ended != nil }

func dialNumber(t *testing.T, s *seatclient.Client, number, line string) error {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	return s.Do(ctx, web.Command{Do: web.DoDial, Number: number, Line: line})
}

// TestDialFromTheSeat: over the second trunk, since the first is dead; the
// agent is dialling, then talking; consent is asked as the line wants; wrap-up
// follows, and the record says who called whom.
func TestDialFromTheSeat(t *testing.T) {
	t.Parallel()
	c := newCarrier(t)
	a := startOut(t, c, "  - id: dead\n    hosts: [\"127.0.0.1:9\"]\n", "")
	s := sit(t, a, "alice")
	must(t, dialNumber(t, s, "138 0000 0001", "1002"))
	dialling := see(t, s, "it is dialled", phaseIs(web.PhaseDialling))
	if !dialling.Outbound || dialling.From != "+86****0001" || dialling.Line != "1002" {
		t.Errorf("%+v", dialling)
	}
	if err := dialNumber(t, s, "13800000001", "1002"); contact.ErrorCode(err) != contact.Conflict {
		t.Errorf("a second call at once: %v", err)
	}
	see(t, s, "the customer answers", phaseIs(web.PhaseTalking))
	leg := <-c.calls
	if leg.Called() != "+8613800000001" {
		t.Errorf("the carrier was asked for %s", leg.Called())
	}
	leg.Hangup(contact.EndCause{By: contact.System, Class: contact.EndCompleted})
	wrap := see(t, s, "wrap-up", isOver)
	if wrap.Ended == nil || wrap.Ended.By != contact.Customer || wrap.Ended.Class != contact.EndCompleted {
		t.Errorf("%+v", wrap.Ended)
	}
	d, err := a.journal.Show(t.Context(), wrap.Contact)
	must(t, err)
	if d.Agent == nil || *d.Agent != "alice" || d.From != "+8613800000001" || d.Consent != contact.ConsentNone || d.Recording != nil || !strings.Contains(texts(d), "the customer answered the call of alice") {
		t.Errorf("%+v\n%s", d.Record, texts(d))
	}
	st := a.trunks.Status()
	if st[0].Failed != 1 || st[1].Placed != 1 {
		t.Errorf("trunks: %+v", st)
	}
	// The same customer again, by the call.
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	must(t, s.Do(ctx, web.Command{Do: web.DoWrapUpDone}))
	must(t, s.Do(ctx, web.Command{Do: web.DoDial, Contact: wrap.Contact}))
	see(t, s, "the customer answers again", func(v web.CallView) bool { return v.Phase == web.PhaseTalking && v.Contact != wrap.Contact })
	must(t, s.Do(ctx, web.Command{Do: web.DoHangup}))
	see(t, s, "wrap-up again", phaseIs(web.PhaseWrapUp))
}

// TestDialAndConsent: an outbound call is recorded only with the grant that the
// line asks for.
func TestDialAndConsent(t *testing.T) {
	t.Parallel()
	c := newCarrier(t)
	a := startOut(t, c, "", "")
	s := sit(t, a, "alice")
	ctx, cancel := context.WithTimeout(t.Context(), 60*time.Second)
	defer cancel()
	for _, tt := range []struct {
		line, key string
		want      contact.Consent
		recorded  bool
	}{{"1000", "1", contact.ConsentGranted, true}, {"1000", "2", contact.ConsentRefused, false}, {"1001", "", contact.ConsentAnnounced, true}} {
		must(t, dialNumber(t, s, "13800000001", tt.line))
		leg := <-c.calls
		see(t, s, "consent is asked", func(v web.CallView) bool {
			return v.Phase == web.PhaseDialling && v.Progress == call.ProgressAnswered || v.Phase == web.PhaseTalking
		})
		if tt.key != "" {
			time.Sleep(300 * time.Millisecond) // keys before the question do not count
			must(t, leg.Sender().SendDigit(rune(tt.key[0]), 120*time.Millisecond))
		}
		v := see(t, s, "they talk", func(v web.CallView) bool {
			return v.Phase == web.PhaseTalking && (!tt.recorded || v.Recording == call.RecordingOn)
		})
		if v.Consent != tt.want || (v.Recording == call.RecordingOn) != tt.recorded {
			t.Errorf("line %s, key %q: consent %s, recording %s", tt.line, tt.key, v.Consent, v.Recording)
		}
		must(t, s.Do(ctx, web.Command{Do: web.DoHangup}))
		see(t, s, "wrap-up", phaseIs(web.PhaseWrapUp))
		must(t, s.Do(ctx, web.Command{Do: web.DoWrapUpDone}))
	}
}

// TestWhoWeCalledIsReplaced: another phone that takes the place of a customer whom we
// called was not asked, so the recording ends.
func TestWhoWeCalledIsReplaced(t *testing.T) {
	t.Parallel()
	c := newCarrier(t)
	a := startOut(t, c, "", "")
	s := sit(t, a, "alice")
	must(t, dialNumber(t, s, "13800000001", "1001"))
	<-c.calls
	v := see(t, s, "they talk and are recorded", func(v web.CallView) bool { return v.Phase == web.PhaseTalking && v.Recording == call.RecordingOn })
	tags := regexp.MustCompile(`(?s)SIP/2\.0 200 OK\r\n.*?From:[^\r]*;tag=([^;\r]+).*?To:[^\r]*;tag=([^;\r]+).*?Call-ID: ([^\r]+)`)
	var dialog []string
	waitFor(t, "the answer is in the messages", func() bool {
		dialog = tags.FindStringSubmatch(a.ladder(t, v.Contact))
		return dialog != nil
	})
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	must(t, acknowledged(ctx, func() error {
		_, err := c.srv.Dial(ctx, "sip:1001@"+a.sip.Addr().String(), sip.DialOptions{
			Headers: []sip.Header{{Name: "Replaces", Value: dialog[3] + ";to-tag=" + dialog[1] + ";from-tag=" + dialog[2]}},
		})
		return err
	}))
	see(t, s, "nothing is recorded any more", func(v web.CallView) bool { return v.Phase == web.PhaseTalking && v.Recording == call.RecordingOff })
	must(t, s.Do(ctx, web.Command{Do: web.DoHangup}))
	see(t, s, "wrap-up", phaseIs(web.PhaseWrapUp))
}

// TestWhoWeCalledMeetsAnEarlyFlow: a flow that begins before the answer waits for that of
// a customer whom we called.
func TestWhoWeCalledMeetsAnEarlyFlow(t *testing.T) {
	t.Parallel()
	flows := t.TempDir()
	must(t, os.WriteFile(filepath.Join(flows, "door.yaml"), []byte("nodes:\n  early: {kind: early, next: bye}\n  bye: {kind: hangup, say: goodbye}\n"), 0o600))
	c := newCarrier(t)
	a := startOut(t, c, "", "    - lines: [\"2002\"]\n      purposes: [api]\n      countries: [CN]\nflows: "+flows+"\nlines:\n  - {id: \"2002\", flow: door, consent: never}\n")
	id, err := a.dialOut(t.Context(), dialRequest{To: "13800000001", Line: "2002", Purpose: PurposeAPI, By: "robot"})
	must(t, err)
	d := a.written(t, id)
	if d.End.By != contact.System || d.End.Class != contact.EndCompleted || !strings.Contains(texts(d), "answered by the flow") {
		t.Errorf("it ended with %+v\n%s", d.End, texts(d))
	}
	if heard, err := (answered{}).Early(t.Context()); heard || err != nil { // of a call back
		t.Errorf("who has answered is spoken to before that: %v, %v", heard, err)
	}
}

// TestDialInVain: busy, refused by a rule, on the do-not-call list, given up;
// each leaves the agent free and says why.
func TestDialInVain(t *testing.T) {
	t.Parallel()
	c := newCarrier(t)
	a := startOut(t, c, "", "")
	s := sit(t, a, "alice")
	ctx, cancel := context.WithTimeout(t.Context(), 60*time.Second)
	defer cancel()
	for number, code := range map[string]contact.Code{
		"+4930123456": contact.OutboundRefused, "+881612345678": contact.OutboundRefused, "alice": contact.Invalid, "12": contact.Invalid,
		"1; DROP TABLE call_calls": contact.Invalid, "+8613800000001@evil.example": contact.Invalid,
	} {
		err := dialNumber(t, s, number, "1002")
		if contact.ErrorCode(err) != code && !strings.Contains(fmt.Sprint(err), string(code)) {
			t.Errorf("%s: %v", number, err)
		}
		if st, _ := a.engine.Agent("alice"); st.Contact != "" {
			t.Fatalf("after %s the agent has %s", number, st.Contact)
		}
	}
	must(t, dialNumber(t, s, "13800000002", "1002"))
	busy := see(t, s, "it is busy", isOver)
	if busy.Ended == nil || busy.Ended.SIP != 486 || busy.Ended.Class != contact.EndRejected {
		t.Errorf("busy: %+v", busy.Ended)
	}
	must(t, s.Do(ctx, web.Command{Do: web.DoWrapUpDone}))

	must(t, dialNumber(t, s, "13800000003", "1002"))
	see(t, s, "it rings", func(v web.CallView) bool { return v.Phase == web.PhaseDialling && v.Progress == call.ProgressRinging })
	must(t, s.Do(ctx, web.Command{Do: web.DoHangup}))
	up := see(t, s, "given up", isOver)
	if up.Ended == nil || up.Ended.By != contact.Agent || up.Ended.Class != contact.EndAbandoned {
		t.Errorf("given up: %+v", up.Ended)
	}
	must(t, s.Do(ctx, web.Command{Do: web.DoWrapUpDone}))
	waitFor(t, "the carrier is told", func() bool { return c.srv.Calls() == 0 })

	n, err := a.cfg.Outbound.Parse("13800000001")
	must(t, err)
	_, err = a.wayOut.store.Put(ctx, listedNumber(n.Key()))
	must(t, err)
	if err := dialNumber(t, s, "13800000001", "1002"); !strings.Contains(fmt.Sprint(err), "do-not-call") {
		t.Errorf("on the list: %v", err)
	}
	if n := len(c.calls); n != 0 {
		t.Errorf("%d calls were answered", n)
	}
	if st := a.wayOut.status(); st.Calls != 0 {
		t.Errorf("the book has %d calls", st.Calls)
	}
}

// TestBadPatternStopsCallsOut: the hourly cap of the house stops everything,
// tells the floor within a minute, and a restart does not forget it.
func TestBadPatternStopsCallsOut(t *testing.T) {
	t.Parallel()
	c := newCarrier(t)
	a := startOut(t, c, "", "  house_calls_per_hour: 3\n")
	for range 3 {
		leg, err := a.house.PlaceOutside(t.Context(), Outside{To: "13800000001", Line: "1002", Purpose: PurposeAPI, By: "robot"})
		must(t, err)
		leg.Hangup(contact.EndCause{By: contact.System, Class: contact.EndCompleted})
	}
	_, err := a.house.PlaceOutside(t.Context(), Outside{To: "13800000001", Line: "1002", Purpose: PurposeAPI, By: "robot"})
	if contact.ErrorCode(err) != contact.OutboundRefused || a.wayOut.status().Stopped == nil {
		t.Fatalf("%v, %+v", err, a.wayOut.status())
	}
	s := sit(t, a, "sam")
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	must(t, s.WaitKey(ctx, "alert/outbound_stopped/", func(raw json.RawMessage) bool { return strings.Contains(string(raw), "stopped") }))
	_, stopped, _, err := a.wayOut.store.Load(ctx, time.Now())
	if err != nil || stopped == nil {
		t.Errorf("a restart would forget it: %+v, %v", stopped, err)
	}
	must(t, a.wayOut.halt(ctx, "ada", false, "looked at it"))
	leg, err := a.house.PlaceOutside(ctx, Outside{To: "13800000001", Line: "1002", Purpose: PurposeAPI, By: "robot"})
	must(t, err)
	leg.Hangup(contact.EndCause{By: contact.System, Class: contact.EndCompleted})
	// A contact that came in over a trunk does not get out.
	for _, p := range []Purpose{PurposeTransfer, PurposeFlow, PurposeCallback, PurposeRefer} {
		if _, err := a.house.PlaceOutside(ctx, Outside{To: "+442079460018", Line: "1002", Purpose: p}); contact.ErrorCode(err) != contact.OutboundRefused {
			t.Errorf("%s: %v", p, err)
		}
	}
}

func listedNumber(number string) outbound.Listed {
	return outbound.Listed{Number: number, Since: time.Now(), By: "ada", Why: "asked us"}
}
