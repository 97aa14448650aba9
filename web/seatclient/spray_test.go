package seatclient_test

import (
	"net"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// helloNullCipher is a DTLS ClientHello that offers TLS_NULL_WITH_NULL_NULL
// alone; media servers that let anybody shake hands fail on it
// (CVE-2023-49786, CVE-2023-51443, CVE-2023-51275).
var helloNullCipher = []byte{
	22, 0xfe, 0xff, 0, 0, 0, 0, 0, 0, 0, 0, 0, 54, // record: handshake, DTLS 1.0, 54 octets
	1, 0, 0, 42, 0, 0, 0, 0, 0, 0, 0, 42, // ClientHello, whole
	0xfe, 0xfd, // DTLS 1.2
	1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30, 31, 32,
	0, 0, // no session, no cookie
	0, 2, 0, 0, // the null cipher
	1, 0, // no compression
}

// A stranger sprays handshakes over the media port while browsers connect:
// each of them does.
func TestStrangersHandshakes(t *testing.T) {
	f := newFloor(t)
	var sent atomic.Int64
	var sprayers sync.WaitGroup
	stop := make(chan struct{})
	for range 4 {
		conn, err := net.DialUDP("udp", nil, net.UDPAddrFromAddrPort(f.server.Addr()))
		if err != nil {
			t.Fatal(err)
		}
		sprayers.Go(func() {
			defer func() { _ = conn.Close() }()
			tick := time.NewTicker(2 * time.Millisecond)
			defer tick.Stop()
			for {
				select {
				case <-tick.C:
					if _, err := conn.Write(helloNullCipher); err == nil {
						sent.Add(1)
					}
				case <-stop:
					return
				}
			}
		})
	}
	for _, user := range []string{"alice", "bob", "sam"} {
		c := f.dial(user, "one")
		waitMedia(t, c)
		for range 5 {
			if err := c.NewPeer(t.Context()); err != nil {
				t.Fatalf("%s: %v", user, err)
			}
		}
	}
	close(stop)
	sprayers.Wait()
	t.Logf("18 connections stood while %d handshakes came", sent.Load())
	if sent.Load() < 100 {
		t.Errorf("only %d handshakes were sent", sent.Load())
	}
}
