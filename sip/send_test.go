package sip_test

import (
	"context"
	"net"
	"testing"
	"time"

	"callfloor/sip"
)

// TestNothingIsSentAfterClose: what still wants to go out when the server is closed, the
// end of a registration here, opens no socket of its own at the server's address.
func TestNothingIsSentAfterClose(t *testing.T) {
	far, near := serverAt(t, "127.0.0.1:0"), serverAt(t, "127.0.0.1:0")
	trunks, err := sip.NewTrunks(near, []sip.TrunkConfig{{
		ID: "far", Hosts: []string{far.Addr().String()}, User: "2001", PasswordFile: secret(t, "pw2001"), Register: true,
	}}, nil)
	if err != nil {
		t.Fatal(err)
	}
	if err := trunks.Start(); err != nil {
		t.Fatal(err)
	}
	for deadline := time.Now().Add(10 * time.Second); len(far.Registered("2001")) == 0; {
		if time.Now().After(deadline) {
			t.Fatal("the trunk is not registered")
		}
		time.Sleep(10 * time.Millisecond) // between two looks
	}
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	if err := near.Close(ctx); err != nil {
		t.Fatal(err)
	}
	_ = trunks.Close(ctx) // cannot say goodbye any more
	conn, err := net.ListenPacket("udp", near.Addr().String())
	if err != nil {
		t.Fatalf("somebody listens at the closed server's address: %v", err)
	}
	_ = conn.Close()
}
