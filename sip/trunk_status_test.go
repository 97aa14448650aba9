package sip_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"callfloor/internal/siptest"
	"callfloor/sip"
)

// TestTrunkFigures: what came of a trunk's calls by cause and by minute, what it
// answered last, and the calls that came in over it.
func TestTrunkFigures(t *testing.T) {
	inBubble(t, nil, func(w *world) {
		answers := []string{"486 Busy Here", "404 Not Found", "500 Server Error", answered}
		c := w.carrier("10.0.1.1:5060", func(_ *carrier, m siptest.Message) []string {
			if !strings.HasPrefix(m.Start, "INVITE") {
				return []string{"200 Here"}
			}
			a := answers[0]
			answers = answers[1:]
			return []string{a}
		})
		defer c.close()
		w.trunks(nil, func(tr *sip.Trunks) {
			time.Sleep(5 * time.Second) // the first question
			var up *sip.Leg
			for len(answers) > 0 {
				up, _ = tr.Dial(context.Background(), to("+8613812345678"))
				time.Sleep(time.Minute)
			}
			if _, err := tr.Dial(context.Background(), to("+8613812345678")); err == nil {
				t.Error("there is one more call than there may be")
			}
			p := w.peerAt("10.0.1.9", "in")
			invite(p, 1)
			in := <-w.calls
			s := tr.Status()[0]
			want := map[string]uint64{"486": 1, "404": 1, "500": 1, "full": 1}
			for cause, n := range want {
				if s.Causes[cause] != n || len(s.Causes) != len(want) {
					t.Errorf("causes %v, want %v", s.Causes, want)
				}
			}
			placed, failed := 0, 0
			for _, m := range s.Minutes {
				placed, failed = placed+m.Placed, failed+m.Failed
			}
			if len(s.Minutes) != 60 || placed != 4 || failed != 1 || s.Minutes[59].Placed != 0 || s.Minutes[58].Placed != 1 {
				t.Errorf("%d calls, %d failed in %v", placed, failed, s.Minutes)
			}
			if s.Calls != 1 || s.Inbound != 1 || s.MaxCalls != 1 || s.Weight != 1 || !s.Usable() {
				t.Errorf("status %+v", s)
			}
			if s.Answer == nil || *s.Answer != "200 Here" || *s.AnswerMS < 10 || s.AnswerAt == nil {
				t.Errorf("the last answer: %v", s.Answer)
			}
			_ = in.Reject(486, "Busy Here")
			up.Hangup(done)
			time.Sleep(time.Hour)
			if s := tr.Status()[0]; s.Minutes[0].Placed+s.Minutes[59].Placed != 0 || s.Inbound != 0 {
				t.Errorf("an hour later %v", s.Minutes)
			}
		}, sip.TrunkConfig{ID: "one", Hosts: []string{"10.0.1.1"}, From: []string{"10.0.1.0/24"}, MaxCalls: 1})
	})
}
