package sip

import (
	"context"
	"net"
	"testing"
	"time"

	"callfloor/contact"
	"callfloor/media"
)

// TestTrunkOverTLS: the certificate is looked at for the name of the trunk, the
// carrier's BYE comes over the same connection, and a trunk that takes the
// connection and says nothing does not hold the call up.
func TestTrunkOverTLS(t *testing.T) {
	cert, key, roots := testCertificate(t)
	far, stop := startWires(t, cert, key)
	defer stop()
	mute, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = mute.Close() }()
	cfg := DefaultConfig()
	cfg.Listen = "127.0.0.1:0"
	pacer := media.NewPacer()
	defer pacer.Close()
	s, err := New(cfg, Options{Pacer: pacer, Roots: roots, OpenMedia: func(MediaConfig) (Media, error) {
		return stillMedia{media.NewSource("x"), media.NewSender(pacer, "x")}, nil
	}})
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Start(); err != nil {
		t.Fatal(err)
	}
	at := far.Listening()[wireTLS].String()
	_, port, _ := net.SplitHostPort(at)
	tr, err := NewTrunks(s, []TrunkConfig{
		{ID: "mute", Hosts: []string{mute.Addr().String()}, Transport: "tls", OptionsEvery: time.Hour},
		{ID: "tls", Order: 1, Hosts: []string{"localhost:" + port}, Transport: "tls", Domain: "carrier.example", OptionsEvery: time.Hour},
		{ID: "other", Group: "other", Hosts: []string{"stranger.example:" + port}, Transport: "tls", OptionsEvery: time.Hour},
	}, &zone{addrs: map[string][]string{"localhost": {"127.0.0.1"}, "stranger.example": {"127.0.0.1"}}})
	if err != nil {
		t.Fatal(err)
	}
	if err := tr.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() {
		ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
		defer cancel()
		if err := tr.Close(ctx); err != nil {
			t.Error(err)
		}
		_ = s.Close(ctx) // the far end may be gone without a word
	}()
	if _, err := tr.Dial(context.Background(), TrunkCall{Group: "other", Number: TrunkNumber{Dialled: "1000"}}); err == nil {
		t.Error("a certificate of another name was accepted")
	}
	began := time.Now()
	l, err := tr.Dial(context.Background(), TrunkCall{Number: TrunkNumber{Dialled: "1000"}})
	if err != nil {
		t.Fatal(err)
	}
	if took := time.Since(began); took >= setUpTimeout || l.Trunk() != "tls" {
		t.Errorf("over %s after %s", l.Trunk(), took)
	}
	select {
	case <-l.Done():
	case <-time.After(20 * time.Second):
		t.Fatal("the carrier's BYE did not come")
	}
	if c := l.Cause(); c.By != contact.Customer || c.Class != contact.EndCompleted {
		t.Errorf("%+v", c)
	}
}
