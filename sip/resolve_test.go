package sip

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"golang.org/x/net/dns/dnsmessage"
)

// zone is a DNS of a test's own.
type zone struct {
	naptr map[string][]NAPTR
	srv   map[string][]*net.SRV
	addrs map[string][]string
	slow  bool // never answers
	asked atomic.Int64
}

var errNoName = errors.New("no such name")

func (z *zone) wait(ctx context.Context) error {
	z.asked.Add(1)
	if !z.slow {
		return nil
	}
	<-ctx.Done()
	return ctx.Err()
}

func (z *zone) NAPTR(ctx context.Context, domain string) ([]NAPTR, error) {
	return z.naptr[domain], z.wait(ctx)
}

func (z *zone) SRV(ctx context.Context, name string) ([]*net.SRV, error) {
	return z.srv[name], z.wait(ctx)
}

func (z *zone) Addrs(ctx context.Context, host string) ([]netip.Addr, error) {
	if err := z.wait(ctx); err != nil {
		return nil, err
	}
	var out []netip.Addr
	for _, a := range z.addrs[host] {
		out = append(out, netip.MustParseAddr(a))
	}
	if out == nil {
		return nil, errNoName
	}
	return out, nil
}

func written(hops []hop) string {
	var out []string
	for _, h := range hops {
		out = append(out, h.transport+" "+h.at.String())
	}
	return strings.Join(out, ", ")
}

// TestWhereATrunkIs: RFC 3263, §4.
func TestWhereATrunkIs(t *testing.T) {
	many := make([]*net.SRV, 10_000)
	for i := range many {
		many[i] = &net.SRV{Target: "a.example.", Port: uint16(i)}
	}
	z := &zone{
		naptr: map[string][]NAPTR{"full.example": {
			{Order: 20, Service: "SIP+D2U", Replacement: "_sip._udp.full.example"}, {Order: 10, Service: "SIPS+D2T", Replacement: "_sips._tcp.full.example"},
			{Order: 5, Service: "E2U+sip", Replacement: "x"},
		}},
		srv: map[string][]*net.SRV{
			"_sips._tcp.full.example": {{Target: "b.example.", Port: 5071, Priority: 2}, {Target: "a.example.", Port: 5061, Priority: 1}},
			"_sip._udp.srv.example":   {{Target: "a.example.", Port: 5080}},
			"_sip._tcp.srv.example":   {{Target: "b.example.", Port: 5090}},
			"_sip._udp.none.example":  {{Target: "."}},
			"_sip._udp.many.example":  many,
			"_sip._udp.half.example":  {{Target: "gone.example.", Priority: 1}, {Target: "b.example.", Port: 7, Priority: 2}},
		},
		addrs: map[string][]string{
			"a.example": {"192.0.2.1", "2001:db8::1"}, "b.example": {"192.0.2.2"}, "plain.example": {"192.0.2.3"}, "none.example": {"192.0.2.4"},
			"odd.example": {"0.0.0.0", "224.0.0.1"},
		},
	}
	for _, tt := range []struct{ host, transport, want string }{
		{"192.0.2.9", "", "UDP 192.0.2.9:5060"},
		{"192.0.2.9:5070", "tcp", "TCP 192.0.2.9:5070"},
		{"[2001:db8::9]:5061", "tls", "TLS [2001:db8::9]:5061"},
		{"2001:db8::9", "", "UDP [2001:db8::9]:5060"},
		{"full.example", "", "TLS 192.0.2.1:5061, TLS [2001:db8::1]:5061, TLS 192.0.2.2:5071"},
		{"full.example", "tls", "TLS 192.0.2.1:5061, TLS [2001:db8::1]:5061, TLS 192.0.2.2:5071"},
		{"srv.example", "", "UDP 192.0.2.1:5080, UDP [2001:db8::1]:5080"},
		{"srv.example", "tcp", "TCP 192.0.2.2:5090"},
		{"srv.example:5060", "udp", ""},
		{"plain.example", "", "UDP 192.0.2.3:5060"},
		{"plain.example:5066", "tls", "TLS 192.0.2.3:5066"},
		{"none.example", "udp", "UDP 192.0.2.4:5060"},
		{"half.example", "udp", "UDP 192.0.2.2:7"},
		{"odd.example", "udp", ""},
		{"nowhere.example", "", ""},
	} {
		hops, err := newResolver(z).find(context.Background(), tt.host, tt.transport)
		if got := written(hops); got != tt.want || (err == nil) == (tt.want == "") {
			t.Errorf("%s by %q: %s, %v; want %s", tt.host, tt.transport, got, err, tt.want)
		}
	}
	if hops, err := newResolver(z).find(context.Background(), "many.example", "udp"); err != nil || len(hops) != maxHops {
		t.Errorf("of ten thousand records %d, %v", len(hops), err)
	}
}

// TestSlowDNS: an answer that does not come costs 1.5 s; what was known before
// is used, and not asked for again at once.
func TestSlowDNS(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		z := &zone{addrs: map[string][]string{"a.example": {"192.0.2.1"}}}
		r := newResolver(z)
		if hops, err := r.find(context.Background(), "a.example", "udp"); err != nil || len(hops) != 1 {
			t.Fatal(hops, err)
		}
		asked := z.asked.Load()
		_, _ = r.find(context.Background(), "a.example", "udp")
		if z.asked.Load() != asked {
			t.Error("it is not remembered")
		}
		time.Sleep(cacheFor + time.Second)
		z.slow = true
		start := time.Now()
		if hops, err := r.find(context.Background(), "a.example", "udp"); err != nil || len(hops) != 1 || time.Since(start) > lookupWithin {
			t.Errorf("%v, %v after %s", hops, err, time.Since(start))
		}
		start = time.Now()
		if _, err := r.find(context.Background(), "b.example", ""); err == nil || time.Since(start) > lookupWithin {
			t.Errorf("%v after %s", err, time.Since(start))
		}
		z.slow = true
		gone, cancel := context.WithTimeout(context.Background(), time.Millisecond)
		defer cancel()
		z.addrs["c.example"] = []string{"192.0.2.3"}
		if _, err := r.find(gone, "c.example", "udp"); err == nil {
			t.Error("found in no time")
		}
		z.slow = false
		if hops, err := r.find(context.Background(), "c.example", "udp"); err != nil || len(hops) != 1 {
			t.Errorf("after a call that was given up meanwhile: %v, %v", hops, err)
		}
		z.slow = true
		for i := range 10 * maxCached {
			_, _ = r.find(context.Background(), fmt.Sprint("x", i, ".example:1"), "udp")
			if i == 2 {
				z.slow = false
			}
		}
		if len(r.cache) > maxCached {
			t.Errorf("%d names are remembered", len(r.cache))
		}
	})
}

// TestWeights: SRV records of one priority are drawn by weight.
func TestWeights(t *testing.T) {
	first := map[string]int{}
	for range 4000 {
		first[weighted([]*net.SRV{{Target: "a", Weight: 30}, {Target: "b", Weight: 10}, {Target: "c", Priority: 1, Weight: 1000}, {Target: "z"}})[0].Target]++
	}
	if first["c"] != 0 || first["z"] > 40 || first["a"] < 2700 || first["a"] > 3300 {
		t.Errorf("%v", first)
	}
}

func naptrAnswer(t testing.TB, id uint16, rdata ...[]byte) []byte {
	t.Helper()
	name := dnsmessage.MustNewName("example.com.")
	m := dnsmessage.Message{
		Header:    dnsmessage.Header{ID: id, Response: true},
		Questions: []dnsmessage.Question{{Name: name, Type: typeNAPTR, Class: dnsmessage.ClassINET}},
	}
	for _, d := range rdata {
		m.Answers = append(m.Answers, dnsmessage.Resource{
			Header: dnsmessage.ResourceHeader{Name: name, Type: typeNAPTR, Class: dnsmessage.ClassINET, TTL: 60}, Body: &dnsmessage.UnknownResource{Type: typeNAPTR, Data: d},
		})
	}
	b, err := m.Pack()
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func naptrData(order uint16, flags, service, to string) []byte {
	b := binary.BigEndian.AppendUint16(nil, order)
	b = binary.BigEndian.AppendUint16(b, 7)
	for _, s := range []string{flags, service, ""} {
		b = append(append(b, byte(len(s))), s...)
	}
	for label := range strings.SplitSeq(to, ".") {
		b = append(append(b, byte(len(label))), label...)
	}
	return append(b, 0)
}

// TestNAPTROverUDP asks a name server of the test's own.
func TestNAPTROverUDP(t *testing.T) {
	conn, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	served := make(chan struct{})
	go func() {
		defer close(served)
		buf := make([]byte, 512)
		n, from, err := conn.ReadFrom(buf)
		if err != nil || n < 12 {
			return
		}
		id := binary.BigEndian.Uint16(buf)
		_, _ = conn.WriteTo(naptrAnswer(t, id+1, naptrData(1, "s", "SIP+D2U", "forged.example")), from)
		_, _ = conn.WriteTo(naptrAnswer(t, id, naptrData(50, "s", "SIP+D2U", "_sip._udp.example.com"), naptrData(60, "u", "E2U+sip", "x")), from)
	}()
	list, err := queryNAPTR(context.Background(), conn.LocalAddr().String(), "example.com")
	want := []NAPTR{{Order: 50, Preference: 7, Service: "SIP+D2U", Replacement: "_sip._udp.example.com"}}
	if err != nil || !slices.Equal(list, want) {
		t.Errorf("%+v, %v", list, err)
	}
	<-served
	_ = conn.Close()
}

func FuzzNAPTR(f *testing.F) {
	f.Add(naptrAnswer(f, 7, naptrData(1, "s", "SIP+D2U", "_sip._udp.example.com")))
	f.Add(naptrAnswer(f, 7, []byte{0, 1, 0, 2, 255}))
	f.Fuzz(func(t *testing.T, b []byte) {
		list, _, _ := parseNAPTR(b, 7)
		if len(list) > maxRecords {
			t.Errorf("%d records", len(list))
		}
	})
}

func TestTrunkConfigErrors(t *testing.T) {
	good := TrunkConfig{ID: "one", Hosts: []string{"sip.example.com"}}
	if err := good.Validate(); err != nil {
		t.Fatal(err)
	}
	for field, change := range map[string]func(*TrunkConfig){
		"id":               func(c *TrunkConfig) { c.ID = "One!" },
		"group":            func(c *TrunkConfig) { c.Group = "a b" },
		"hosts":            func(c *TrunkConfig) { c.Hosts = nil },
		"hosts[0]":         func(c *TrunkConfig) { c.Hosts[0] = "sip:1@x" },
		"transport":        func(c *TrunkConfig) { c.Transport = "sctp" },
		"user":             func(c *TrunkConfig) { c.Register = true },
		"password_env":     func(c *TrunkConfig) { c.User, c.PasswordEnv = "u", "CALLFLOOR_TEST_NO_SUCH_VARIABLE" },
		"password_file":    func(c *TrunkConfig) { c.User, c.PasswordFile = "u", "/nonexistent/password" },
		"expires":          func(c *TrunkConfig) { c.Expires = time.Second },
		"from[0]":          func(c *TrunkConfig) { c.From = []string{"10.0.0"} },
		"codecs[0]":        func(c *TrunkConfig) { c.Codecs = []string{"mp3"} },
		"srtp":             func(c *TrunkConfig) { c.SRTP = "yes" },
		"format":           func(c *TrunkConfig) { c.Format = "local" },
		"rewrite[0].match": func(c *TrunkConfig) { c.Rewrite = []RewriteConfig{{Match: "("}} },
		"max_calls":        func(c *TrunkConfig) { c.MaxCalls = -1 },
		"options_every":    func(c *TrunkConfig) { c.OptionsEvery = time.Millisecond },
		"transfer":         func(c *TrunkConfig) { c.Transfer = "attended" },
		"weight":           func(c *TrunkConfig) { c.Weight = 5000 },
	} {
		c := good
		c.Hosts = slices.Clone(good.Hosts)
		change(&c)
		f, ok := errors.AsType[*FieldError](c.Validate())
		if !ok || f.Field != field {
			t.Errorf("%s: %+v", field, f)
		}
	}
}
