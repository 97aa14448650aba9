package sip

import (
	"bufio"
	"cmp"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"net/netip"
	"os"
	"slices"
	"strings"
	"sync"
	"time"

	"golang.org/x/net/dns/dnsmessage"
)

// hop is one place to send a trunk's request to.
type hop struct {
	at        netip.AddrPort
	transport string // UDP, TCP, TLS
	name      string // the host's name, for its certificate; "" if it is an address
}

// Lookup asks the DNS; tests have one of their own.
type Lookup interface {
	// NAPTR returns the records of a domain whose service is a SIP one.
	NAPTR(ctx context.Context, domain string) ([]NAPTR, error)
	// SRV returns the records of a whole name, _sip._udp.example.com.
	SRV(ctx context.Context, name string) ([]*net.SRV, error)
	// Addrs returns the addresses of a host.
	Addrs(ctx context.Context, host string) ([]netip.Addr, error)
}

// NAPTR is a record of RFC 3403 as RFC 3263 §4.1 uses it.
type NAPTR struct {
	Order, Preference uint16
	Service           string // SIP+D2U, SIP+D2T, SIPS+D2T
	Replacement       string // the name to ask for SRV
}

// Bounds of what the DNS can make us do.
const (
	lookupWithin = 1500 * time.Millisecond // for one host
	maxRecords   = 32                      // of an answer are looked at
	maxHops      = 8                       // of a host are tried
	cacheFor     = time.Minute
	cacheBadFor  = 5 * time.Second
	maxCached    = 256
)

// resolver finds the hops of a host (RFC 3263 §4) and remembers them.
type resolver struct {
	ask Lookup

	mu    sync.Mutex
	cache map[string]cached
}

type cached struct {
	hops  []hop
	err   error
	until time.Time
}

func newResolver(ask Lookup) *resolver {
	if ask == nil {
		ask = systemDNS{}
	}
	return &resolver{ask: ask, cache: map[string]cached{}}
}

// find returns where host may be, best first. transport "" lets the DNS
// choose. When the DNS fails, what was known before is used.
func (r *resolver) find(ctx context.Context, host, transport string) ([]hop, error) {
	name, port, err := splitHost(host)
	if err != nil {
		return nil, err
	}
	transport = strings.ToUpper(transport)
	if ip, err := netip.ParseAddr(name); err == nil {
		transport = cmp.Or(transport, "UDP")
		return []hop{{at: netip.AddrPortFrom(ip.Unmap(), portOr(port, transport)), transport: transport}}, nil
	}
	key := host + " " + transport
	r.mu.Lock()
	known, ok := r.cache[key]
	r.mu.Unlock()
	if ok && time.Now().Before(known.until) {
		return shuffled(known.hops), known.err
	}
	within, cancel := context.WithTimeout(ctx, lookupWithin)
	defer cancel()
	hops, err := r.look(within, name, port, transport)
	if err != nil && ctx.Err() != nil { // nobody waits for it any more, which says nothing about the host
		return nil, err
	}
	fresh := cached{hops: hops, err: err, until: time.Now().Add(cacheFor)}
	if err != nil {
		fresh.until = time.Now().Add(cacheBadFor)
		if len(known.hops) > 0 { // better the old addresses than none
			fresh.hops, fresh.err = known.hops, nil
		}
	}
	r.mu.Lock()
	if len(r.cache) >= maxCached {
		clear(r.cache)
	}
	r.cache[key] = fresh
	r.mu.Unlock()
	return shuffled(fresh.hops), fresh.err
}

// shuffled is a copy: the weights of SRV were drawn when it was looked up,
// which is often enough for a minute.
func shuffled(h []hop) []hop { return slices.Clone(h) }

func portOr(port int, transport string) uint16 {
	switch {
	case port != 0:
		return uint16(port) // splitHost has looked at its range
	case transport == "TLS":
		return 5061
	}
	return 5060
}

func (r *resolver) look(ctx context.Context, name string, port int, transport string) ([]hop, error) {
	if port != 0 { // RFC 3263 §4.2: addresses only
		return r.addrs(ctx, name, portOr(port, transport), cmp.Or(transport, "UDP"))
	}
	for _, s := range r.services(ctx, name, transport) {
		if hops := r.srv(ctx, s.name, s.transport); len(hops) > 0 {
			return hops, nil
		}
		if ctx.Err() != nil {
			break
		}
	}
	transport = cmp.Or(transport, "UDP")
	return r.addrs(ctx, name, portOr(0, transport), transport)
}

type service struct{ name, transport string }

// services are the SRV names to ask, in order: those of NAPTR where the
// transport is open, else the usual ones.
func (r *resolver) services(ctx context.Context, domain, transport string) []service {
	if transport == "" {
		records, err := r.ask.NAPTR(ctx, domain)
		records = records[:min(len(records), maxRecords)]
		slices.SortStableFunc(records, func(a, b NAPTR) int {
			return cmp.Or(cmp.Compare(a.Order, b.Order), cmp.Compare(a.Preference, b.Preference))
		})
		var out []service
		for _, n := range records {
			if t := map[string]string{"SIP+D2U": "UDP", "SIP+D2T": "TCP", "SIPS+D2T": "TLS"}[strings.ToUpper(n.Service)]; t != "" && n.Replacement != "" {
				out = append(out, service{n.Replacement, t})
			}
		}
		if err == nil && len(out) > 0 {
			return out
		}
	}
	all := []service{{"_sip._udp." + domain, "UDP"}, {"_sip._tcp." + domain, "TCP"}, {"_sips._tcp." + domain, "TLS"}}
	if transport == "" {
		return all
	}
	return slices.DeleteFunc(all, func(s service) bool { return s.transport != transport })
}

func (r *resolver) srv(ctx context.Context, name, transport string) []hop {
	records, err := r.ask.SRV(ctx, name)
	if err != nil || len(records) == 1 && records[0].Target == "." {
		return nil
	}
	records = weighted(records[:min(len(records), maxRecords)])
	var hops []hop
	for _, s := range records {
		more, err := r.addrs(ctx, strings.TrimSuffix(s.Target, "."), s.Port, transport)
		if err == nil {
			hops = append(hops, more...)
		}
		if len(hops) >= maxHops || ctx.Err() != nil {
			break
		}
	}
	return hops[:min(len(hops), maxHops)]
}

// weighted orders records by priority and, within one, draws by weight (RFC
// 2782). Go's resolver does it too; this one holds for every Lookup.
func weighted(records []*net.SRV) []*net.SRV {
	type drawn struct {
		r   *net.SRV
		key float64
	}
	all := make([]drawn, 0, len(records))
	for _, r := range records {
		all = append(all, drawn{r, rand.ExpFloat64() / (float64(r.Weight) + 0.001)})
	}
	slices.SortStableFunc(all, func(a, b drawn) int {
		return cmp.Or(cmp.Compare(a.r.Priority, b.r.Priority), cmp.Compare(a.key, b.key))
	})
	out := make([]*net.SRV, len(all))
	for i, d := range all {
		out[i] = d.r
	}
	return out
}

func (r *resolver) addrs(ctx context.Context, host string, port uint16, transport string) ([]hop, error) {
	ips, err := r.ask.Addrs(ctx, host)
	if err != nil || len(ips) == 0 {
		return nil, fmt.Errorf("find the address of %s: %w", host, cmp.Or(err, errors.New("it has none")))
	}
	var hops []hop
	for _, ip := range ips[:min(len(ips), maxHops)] {
		if ip = ip.Unmap(); !ip.IsUnspecified() && !ip.IsMulticast() {
			hops = append(hops, hop{at: netip.AddrPortFrom(ip, port), transport: transport, name: host})
		}
	}
	if len(hops) == 0 {
		return nil, fmt.Errorf("find the address of %s: it has none that a call can go to", host)
	}
	return hops, nil
}

// systemDNS asks the system's resolver, and for NAPTR, which it cannot, the
// name servers of /etc/resolv.conf.
type systemDNS struct{}

// SRV implements Lookup.
func (systemDNS) SRV(ctx context.Context, name string) ([]*net.SRV, error) {
	_, records, err := net.DefaultResolver.LookupSRV(ctx, "", "", name)
	return records, err //nolint:wrapcheck // told by the caller, with the host
}

// Addrs implements Lookup.
func (systemDNS) Addrs(ctx context.Context, host string) ([]netip.Addr, error) {
	return net.DefaultResolver.LookupNetIP(ctx, "ip", host) //nolint:wrapcheck // told by the caller
}

// NAPTR implements Lookup.
func (systemDNS) NAPTR(ctx context.Context, domain string) ([]NAPTR, error) {
	servers, err := nameServers("/etc/resolv.conf")
	if err != nil {
		return nil, err
	}
	for _, s := range servers {
		var list []NAPTR
		if list, err = queryNAPTR(ctx, s, domain); err == nil {
			return list, nil
		}
	}
	return nil, err
}

func nameServers(file string) ([]string, error) {
	f, err := os.Open(file)
	if err != nil {
		return nil, fmt.Errorf("find the name servers: %w", err)
	}
	defer func() { _ = f.Close() }()
	var out []string
	for lines := bufio.NewScanner(f); lines.Scan() && len(out) < 3; {
		if f := strings.Fields(lines.Text()); len(f) >= 2 && f[0] == "nameserver" {
			out = append(out, net.JoinHostPort(f[1], "53"))
		}
	}
	if len(out) == 0 {
		return nil, fmt.Errorf("find the name servers: %s names none", file)
	}
	return out, nil
}

const typeNAPTR = dnsmessage.Type(35)

// queryNAPTR asks one name server over UDP, once.
func queryNAPTR(ctx context.Context, server, domain string) ([]NAPTR, error) {
	name, err := dnsmessage.NewName(strings.TrimSuffix(domain, ".") + ".")
	if err != nil {
		return nil, fmt.Errorf("ask for NAPTR of %s: %w", domain, err)
	}
	id := uint16(rand.Uint32()) //nolint:gosec // with the port of the socket as unguessable as the system resolver's
	query, err := (&dnsmessage.Message{
		Header:    dnsmessage.Header{ID: id, RecursionDesired: true},
		Questions: []dnsmessage.Question{{Name: name, Type: typeNAPTR, Class: dnsmessage.ClassINET}},
	}).Pack()
	if err != nil {
		return nil, fmt.Errorf("ask for NAPTR of %s: %w", domain, err)
	}
	conn, err := (&net.Dialer{}).DialContext(ctx, "udp", server)
	if err != nil {
		return nil, fmt.Errorf("ask %s for NAPTR: %w", server, err)
	}
	defer func() { _ = conn.Close() }()
	within := time.Now().Add(lookupWithin / 3)
	if end, ok := ctx.Deadline(); ok && end.Before(within) {
		within = end
	}
	_ = conn.SetDeadline(within)
	if _, err := conn.Write(query); err != nil {
		return nil, fmt.Errorf("ask %s for NAPTR: %w", server, err)
	}
	buf := make([]byte, 4096)
	for {
		n, err := conn.Read(buf)
		if err != nil {
			return nil, fmt.Errorf("ask %s for NAPTR: %w", server, err)
		}
		if list, ours, err := parseNAPTR(buf[:n], id); ours {
			return list, err
		}
	}
}

// parseNAPTR reads an answer; ours says that it has our number. Only terminal
// records with the flag S, which lead to SRV, are kept.
func parseNAPTR(b []byte, id uint16) (list []NAPTR, ours bool, err error) {
	var p dnsmessage.Parser
	h, err := p.Start(b)
	if err != nil || h.ID != id || !h.Response {
		return nil, false, fmt.Errorf("read a NAPTR answer: %w", cmp.Or(err, errors.New("it is no answer to us")))
	}
	if h.RCode != dnsmessage.RCodeSuccess {
		return nil, true, nil
	}
	if err := p.SkipAllQuestions(); err != nil {
		return nil, true, fmt.Errorf("read a NAPTR answer: %w", err)
	}
	for range maxRecords {
		rh, err := p.AnswerHeader()
		if err != nil {
			break // the end, or no more that can be read
		}
		if rh.Type != typeNAPTR {
			if p.SkipAnswer() != nil {
				break
			}
			continue
		}
		u, err := p.UnknownResource()
		if err != nil {
			break
		}
		if n, ok := naptrOf(u.Data); ok {
			list = append(list, n)
		}
	}
	return list, true, nil
}

// naptrOf reads the data of a record (RFC 3403 §4.1): order, preference, three
// strings, and a name that is never compressed (RFC 3597).
func naptrOf(b []byte) (NAPTR, bool) {
	if len(b) < 7 {
		return NAPTR{}, false
	}
	n := NAPTR{Order: binary.BigEndian.Uint16(b), Preference: binary.BigEndian.Uint16(b[2:])}
	b = b[4:]
	var texts [3]string // flags, service, regexp
	for i := range texts {
		if len(b) == 0 || len(b) < 1+int(b[0]) {
			return NAPTR{}, false
		}
		texts[i], b = string(b[1:1+int(b[0])]), b[1+int(b[0]):]
	}
	var labels []string
	for len(b) > 0 && b[0] != 0 {
		if b[0] > 63 || len(b) < 1+int(b[0]) || len(labels) == 128 {
			return NAPTR{}, false
		}
		labels, b = append(labels, string(b[1:1+int(b[0])])), b[1+int(b[0]):]
	}
	n.Service, n.Replacement = texts[1], strings.Join(labels, ".")
	return n, strings.EqualFold(texts[0], "s")
}
