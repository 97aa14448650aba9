package sip_test

import (
	"context"
	"testing"
	"time"

	"callfloor/contact"
	"callfloor/media"
	"callfloor/sip"
)

// Keys by INFO come in order, each once, and none when the call is over.
func TestKeysByINFO(t *testing.T) {
	inBubble(t, nil, func(w *world) {
		phone := w.server("10.0.0.2:5060", nil, nil)
		answered := make(chan *sip.Leg, 1)
		go func() {
			l := <-w.calls
			if err := l.Answer(context.Background()); err != nil {
				t.Error(err)
			}
			answered <- l
		}()
		out, err := phone.Dial(context.Background(), "sip:1000@10.0.0.1", sip.DialOptions{})
		if err != nil {
			t.Fatal(err)
		}
		in := <-answered
		const keys = "12#*00D"
		for _, key := range keys {
			if err := out.SendInfo(key, 160*time.Millisecond); err != nil {
				t.Fatal(err)
			}
		}
		if err := out.SendInfo('x', 0); err == nil {
			t.Error("a letter was sent")
		}
		for _, key := range keys {
			if d := <-in.Digits(); d.Key != key || d.Via != media.ViaInfo {
				t.Errorf("%q by %s, want %q by INFO", d.Key, d.Via, key)
			}
		}
		// A phone of events gets events, whatever it sends.
		if err := in.SendDigit('7', 0); err != nil {
			t.Error(err)
		}
		if d := <-out.Digits(); d.Key != '7' || d.Via != media.ViaEvent {
			t.Errorf("%q by %s", d.Key, d.Via)
		}
		out.Hangup(contact.EndCause{By: contact.System, Class: contact.EndCompleted, Why: "done"})
		<-out.Done()
		if err := out.SendInfo('1', 0); err == nil {
			t.Error("a key was sent after the end")
		}
		<-in.Done()
		w.close(phone)
	})
}
