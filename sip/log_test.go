package sip

import (
	"bytes"
	"context"
	"log/slog"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	"callfloor/media"
)

// What sipgo cannot parse it logs whole; a key in it must not get there, at any
// level.
func TestUnparsedMessagesAreNotLogged(t *testing.T) {
	var out lockedBuffer
	pacer := media.NewPacer()
	defer pacer.Close()
	cfg := DefaultConfig()
	cfg.Listen = "127.0.0.1:0"
	s, err := New(cfg, Options{Pacer: pacer, Log: slog.New(slog.NewTextHandler(&out, &slog.HandlerOptions{Level: slog.LevelDebug}))})
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Start(); err != nil {
		t.Fatal(err)
	}
	defer s.Close(context.Background())
	c, err := net.Dial("udp", s.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	for deadline := time.Now().Add(10 * time.Second); !strings.Contains(out.String(), "could not be read"); {
		if time.Now().After(deadline) {
			t.Fatalf("the message was not looked at; the log is %q", out.String())
		}
		if _, err := c.Write([]byte("INVITE sip:1000@x SIP/2.0\r\nVia: ???\r\nbroken\r\n\r\na=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:PLANTEDKEY\r\n")); err != nil {
			t.Fatal(err)
		}
		time.Sleep(10 * time.Millisecond) // between two looks; the condition decides
	}
	if strings.Contains(out.String(), "PLANTEDKEY") || !strings.Contains(out.String(), "octets=") {
		t.Errorf("the log:\n%s", out.String())
	}
}

// lockedBuffer is a bytes.Buffer for several goroutines.
type lockedBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *lockedBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *lockedBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}
