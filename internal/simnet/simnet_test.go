package simnet_test

import (
	"errors"
	"net"
	"net/netip"
	"os"
	"testing"
	"testing/synctest"
	"time"

	"callfloor/internal/simnet"
)

func TestNetwork(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := simnet.New()
		n.Latency = 30 * time.Millisecond
		lost := 0
		n.Lose = func(_, _ netip.AddrPort, b []byte) bool {
			if string(b) == "lose" {
				lost++
				return true
			}
			return false
		}
		a, err := n.Listen("10.0.0.1:5060")
		if err != nil {
			t.Fatal(err)
		}
		if _, err := n.Listen("10.0.0.1:5060"); err == nil {
			t.Error("a taken address was given out again")
		}
		b, err := n.Listen("10.0.0.2:0")
		if err != nil {
			t.Fatal(err)
		}
		start := time.Now()
		for _, msg := range []string{"lose", "keep"} {
			if _, err := a.WriteTo([]byte(msg), b.LocalAddr()); err != nil {
				t.Fatal(err)
			}
		}
		buf := make([]byte, 16)
		k, from, err := b.ReadFrom(buf)
		if err != nil || string(buf[:k]) != "keep" || from.String() != "10.0.0.1:5060" {
			t.Errorf("read %q from %v, %v", buf[:k], from, err)
		}
		if took := time.Since(start); took != n.Latency || lost != 1 {
			t.Errorf("took %v, lost %d", took, lost)
		}
		_ = b.SetReadDeadline(time.Now().Add(time.Hour))
		if _, _, err := b.ReadFrom(buf); !errors.Is(err, os.ErrDeadlineExceeded) {
			t.Errorf("after the deadline: %v", err)
		}
		_ = b.Close()
		if _, _, err := b.ReadFrom(buf); !errors.Is(err, net.ErrClosed) {
			t.Errorf("after Close: %v", err)
		}
	})
}
