package hep

import (
	"encoding/binary"
	"net"
	"net/netip"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// chunks takes a packet apart, as a collector does.
func chunks(t *testing.T, b []byte) map[uint16][]byte {
	t.Helper()
	if string(b[:4]) != "HEP3" || int(binary.BigEndian.Uint16(b[4:])) != len(b) {
		t.Fatalf("head % x of %d octets", b[:6], len(b))
	}
	out := map[uint16][]byte{}
	for b = b[6:]; len(b) > 0; {
		n := int(binary.BigEndian.Uint16(b[4:]))
		if binary.BigEndian.Uint16(b) != 0 || n < 6 || n > len(b) {
			t.Fatalf("chunk % x", b[:6])
		}
		out[binary.BigEndian.Uint16(b[2:])] = b[6:n]
		b = b[n:]
	}
	return out
}

func TestPacket(t *testing.T) {
	at := time.Unix(1700000000, 123456000)
	text := "INVITE sip:1000@10.0.0.1 SIP/2.0\r\n\r\n"
	for _, c := range []struct {
		name, from, to string
		transport      string
		family, proto  byte
		size           int
	}{
		{"IPv4 over UDP", "10.0.0.9:5062", "10.0.0.1:5060", "UDP", 2, 17, 4},
		{"IPv6 over TLS", "[2001:db8::9]:5062", "[2001:db8::1]:5060", "TLS", 10, 6, 16},
		{"mapped is IPv4", "[::ffff:10.0.0.9]:5062", "10.0.0.1:5060", "TCP", 2, 6, 4},
	} {
		t.Run(c.name, func(t *testing.T) {
			p := Packet{At: at, From: netip.MustParseAddrPort(c.from), To: netip.MustParseAddrPort(c.to), Transport: c.transport, Call: "abc@x", Text: text}
			got := chunks(t, Append(nil, p, 2001, "secret"))
			if got[1][0] != c.family || got[2][0] != c.proto || got[11][0] != 1 || string(got[15]) != text || string(got[17]) != "abc@x" || string(got[14]) != "secret" {
				t.Errorf("%v", got)
			}
			from := got[3]
			if c.size == 16 {
				from = got[5]
			}
			if ip, ok := netip.AddrFromSlice(from); !ok || len(from) != c.size || ip != p.From.Addr().Unmap() {
				t.Errorf("from % x", from)
			}
			if binary.BigEndian.Uint16(got[7]) != 5062 || binary.BigEndian.Uint16(got[8]) != 5060 || binary.BigEndian.Uint32(got[9]) != 1700000000 ||
				binary.BigEndian.Uint32(got[10]) != 123456 || binary.BigEndian.Uint32(got[12]) != 2001 {
				t.Errorf("ports, times, agent: %v", got)
			}
		})
	}
	big := chunks(t, Append(nil, Packet{From: netip.MustParseAddrPort("1.2.3.4:1"), To: netip.MustParseAddrPort("1.2.3.4:1"), Text: strings.Repeat("x", 1<<20)}, 1, ""))
	if len(big[15]) != maxPayload {
		t.Errorf("a message of 1 MiB is sent as %d octets", len(big[15]))
	}
	if _, there := big[14]; there {
		t.Error("an empty password is sent")
	}
}

func TestSender(t *testing.T) {
	homer, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = homer.Close() }()
	s, err := Dial(homer.LocalAddr().String(), 7, "")
	if err != nil {
		t.Fatal(err)
	}
	p := Packet{From: netip.MustParseAddrPort("1.2.3.4:1"), To: netip.MustParseAddrPort("1.2.3.4:2"), Transport: "UDP", Text: "one"}
	s.Send(p)
	p.Text = "two"
	s.Send(p)
	s.Close()
	s.Close()
	s.Send(p) // after the end: nothing
	buf := make([]byte, 65536)
	for _, want := range []string{"one", "two"} {
		_ = homer.SetReadDeadline(time.Now().Add(20 * time.Second))
		n, _, err := homer.ReadFrom(buf)
		if err != nil {
			t.Fatal(err)
		}
		if got := chunks(t, buf[:n]); string(got[15]) != want {
			t.Errorf("%q, wanted %q", got[15], want)
		}
	}
}

// Nobody listens: nothing blocks, and what was not sent is counted.
func TestSenderWithoutCollector(t *testing.T) {
	s, err := Dial("127.0.0.1:9", 7, "")
	if err != nil {
		t.Fatal(err)
	}
	for range 10 * queue {
		s.Send(Packet{From: netip.MustParseAddrPort("1.2.3.4:1"), To: netip.MustParseAddrPort("1.2.3.4:2"), Text: "x"})
	}
	s.Close()
	if s.Dropped() == 0 {
		t.Error("nothing was dropped")
	}
}
