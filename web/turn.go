package web

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha1" //nolint:gosec // the TURN REST convention has it, and browsers know no other
	"encoding/base64"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/pion/ice/v4"
	"github.com/pion/stun/v4"
	"github.com/pion/turn/v5"
)

// Limits of the embedded TURN server.
const (
	turnRealm = "callfloor"
	// turnCredential is how long a seat may make new allocations with what
	// Welcome gave it; those that it has go on. A page gets fresh ones with
	// every new socket.
	turnCredential = 12 * time.Hour
	// turnPerUser is how many allocations one user may have: UDP and TCP, old
	// and new network, for some tabs.
	turnPerUser = 16
	turnMost    = 8192 // of everyone together
)

// relay is the embedded TURN server (RFC 8656) for seats behind firewalls. It
// relays to one place only, our own WebRTC media port: it opens no way into
// the network that the server stands in, not even for those who sign in.
type relay struct {
	addr    netip.AddrPort // with the port that was taken
	secret  []byte
	known   func(user string) bool // has a seat
	metrics *metrics
	log     *slog.Logger
	peers   map[netip.AddrPort]struct{} // the media port's addresses
	local   map[bool]netip.Addr         // where relayed packets leave from, by Is4
	server  *turn.Server
	tcp     *idleListener

	mu    sync.Mutex
	users map[string]int // allocations
	all   int
}

// newRelay opens UDP and TCP on cfg.TURN for the media port behind mux.
func newRelay(cfg Config, mux ice.UDPMux, known func(string) bool, m *metrics, log *slog.Logger) (*relay, error) {
	ip, port, err := hostPort("turn", cfg.TURN)
	if err != nil {
		return nil, err
	}
	r := &relay{
		secret: make([]byte, 32), known: known, metrics: m, log: log, users: map[string]int{},
		peers: map[netip.AddrPort]struct{}{}, local: map[bool]netip.Addr{},
	}
	if _, err := rand.Read(r.secret); err != nil {
		return nil, fmt.Errorf("webrtc: turn: making the secret: %w", err)
	}
	r.allow(mux.GetListenAddresses())
	var udp *net.UDPConn
	for try := 0; ; try++ { // a free TCP port may be taken on UDP
		udp, err = r.listen(ip, port)
		if err == nil || port != 0 || try == 20 {
			break
		}
	}
	if err != nil {
		return nil, err
	}
	r.server, err = turn.NewServer(turn.ServerConfig{
		Realm: turnRealm, LoggerFactory: logFactory{log}, AuthHandler: r.authenticate,
		QuotaHandler:      func(user, _ string, _ net.Addr) bool { return r.mayAllocate(user) },
		PacketConnConfigs: []turn.PacketConnConfig{{PacketConn: udp, RelayAddressGenerator: r, PermissionHandler: r.permit}},
		ListenerConfigs:   []turn.ListenerConfig{{Listener: r.tcp, RelayAddressGenerator: r, PermissionHandler: r.permit}},
	})
	if err != nil {
		return nil, errors.Join(fmt.Errorf("webrtc: turn: %w", err), udp.Close(), r.tcp.Close())
	}
	return r, nil
}

// allow notes where our media port listens. Relayed packets leave from loopback
// where it listens there too, so that nobody else can reach a relayed address.
func (r *relay) allow(addrs []net.Addr) {
	for _, a := range addrs {
		ap, ok := addrPort(a)
		if !ok {
			continue
		}
		r.peers[ap] = struct{}{}
		if had, ok := r.local[ap.Addr().Is4()]; !ok || !had.IsLoopback() && ap.Addr().IsLoopback() {
			r.local[ap.Addr().Is4()] = ap.Addr()
		}
	}
}

// addrPort reads pion's net.Addr; IPv4 as IPv4.
func addrPort(a net.Addr) (netip.AddrPort, bool) {
	u, ok := a.(*net.UDPAddr)
	if !ok {
		return netip.AddrPort{}, false
	}
	ap := u.AddrPort()
	return netip.AddrPortFrom(ap.Addr().Unmap(), ap.Port()), ap.IsValid()
}

// listen opens TCP and UDP on one port.
func (r *relay) listen(ip netip.Addr, port int) (*net.UDPConn, error) {
	host := ""
	if ip.IsValid() {
		host = ip.String()
	}
	tcp, err := net.Listen("tcp", net.JoinHostPort(host, strconv.Itoa(port)))
	if err != nil {
		return nil, fmt.Errorf("webrtc: turn: TCP %s:%d cannot be opened (is another program on that port?): %w", host, port, err)
	}
	bound := tcp.Addr().(*net.TCPAddr).AddrPort()
	udp, err := net.ListenPacket("udp", net.JoinHostPort(host, strconv.Itoa(int(bound.Port()))))
	if err != nil {
		return nil, errors.Join(fmt.Errorf("webrtc: turn: UDP %s:%d cannot be opened (is another program on that port?): %w", host, bound.Port(), err), tcp.Close())
	}
	conn := udp.(*net.UDPConn)
	_ = conn.SetReadBuffer(udpBuffer) // as much as the kernel allows
	r.addr = netip.AddrPortFrom(bound.Addr().Unmap(), bound.Port())
	r.tcp = newIdleListener(&cappedListener{Listener: tcp, free: make(chan struct{}, maxTCP)})
	return conn, nil
}

// credential makes what one seat signs in with: the TURN REST convention, a
// name with its end in it and a MAC over both.
func (r *relay) credential(user string, now time.Time) (name, password string) {
	name = strconv.FormatInt(now.Add(turnCredential).Unix(), 10) + ":" + user
	return name, r.password(name)
}

func (r *relay) password(name string) string {
	mac := hmac.New(sha1.New, r.secret)
	_, _ = mac.Write([]byte(name)) // a hash never fails
	return base64.StdEncoding.EncodeToString(mac.Sum(nil))
}

// authenticate returns the key that the request must be signed with. A name
// whose time is over keeps what it has but gets nothing new; a user who signed
// out has nothing.
func (r *relay) authenticate(a *turn.RequestAttributes) (user string, key []byte, ok bool) {
	end, user, _ := strings.Cut(a.Username, ":")
	until, err := strconv.ParseInt(end, 10, 64)
	switch {
	case err != nil || user == "" || !r.known(user):
		r.metrics.refused.WithLabelValues("turn_user").Inc()
		return "", nil, false
	case a.Method == stun.MethodAllocate && until < time.Now().Unix():
		r.metrics.refused.WithLabelValues("turn_expired").Inc()
		return "", nil, false
	}
	return user, turn.GenerateAuthKey(a.Username, a.Realm, r.password(a.Username)), true
}

// permit decides which peers a seat may send to: our own media port's
// addresses. The port is looked at for each packet, by relayConn.
func (r *relay) permit(_ net.Addr, peer net.IP) bool {
	ip, _ := netip.AddrFromSlice(peer)
	for own := range r.peers {
		if own.Addr() == ip.Unmap() {
			return true
		}
	}
	r.metrics.refused.WithLabelValues("turn_peer").Inc()
	return false
}

func (r *relay) mayAllocate(user string) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.users[user] >= turnPerUser || r.all >= turnMost {
		r.metrics.refused.WithLabelValues("turn_quota").Inc()
		return false
	}
	return true
}

// count adds or takes away one allocation of a user.
func (r *relay) count(user string, by int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.all += by
	if r.users[user] += by; r.users[user] <= 0 {
		delete(r.users, user)
	}
	r.metrics.relays.Set(float64(r.all))
}

// Validate implements turn.RelayAddressGenerator.
func (r *relay) Validate() error {
	if len(r.peers) == 0 {
		return errors.New("the media port has no address to relay to")
	}
	return nil
}

// errOnlyUDP refuses what browsers do not ask for.
var errOnlyUDP = errors.New("this server relays UDP only, from ports that it chooses")

// AllocatePacketConn implements turn.RelayAddressGenerator.
func (r *relay) AllocatePacketConn(c turn.AllocateListenerConfig) (net.PacketConn, net.Addr, error) {
	ip, ok := r.local[c.Network == "udp4"]
	if !ok || c.RequestedPort != 0 {
		return nil, nil, errOnlyUDP
	}
	conn, err := net.ListenUDP(c.Network, net.UDPAddrFromAddrPort(netip.AddrPortFrom(ip, 0)))
	if err != nil {
		return nil, nil, fmt.Errorf("opening a relay port: %w", err)
	}
	r.count(c.UserID, 1)
	free := sync.OnceFunc(func() { r.count(c.UserID, -1) })
	return &relayConn{UDPConn: conn, relay: r, free: free}, conn.LocalAddr(), nil
}

// AllocateListener implements turn.RelayAddressGenerator; there is none.
func (r *relay) AllocateListener(turn.AllocateListenerConfig) (net.Listener, net.Addr, error) {
	return nil, nil, errOnlyUDP
}

// AllocateConn implements turn.RelayAddressGenerator; there is none.
func (r *relay) AllocateConn(turn.AllocateConnConfig) (net.Conn, error) { return nil, errOnlyUDP }

// Close ends the server, its connections and all allocations.
func (r *relay) Close() error {
	if err := r.server.Close(); err != nil {
		return fmt.Errorf("webrtc: turn: closing: %w", err)
	}
	return nil
}

// relayConn is one relayed address. It exchanges packets with our media port
// and with nobody else, whatever permissions there are: those of TURN are for
// an IP address, all ports of it.
type relayConn struct {
	*net.UDPConn
	relay *relay
	free  func()
}

// WriteTo drops what is not for our media port.
func (c *relayConn) WriteTo(p []byte, to net.Addr) (int, error) {
	ap, ok := addrPort(to)
	if _, own := c.relay.peers[ap]; !ok || !own {
		c.relay.metrics.refused.WithLabelValues("turn_port").Inc()
		return len(p), nil
	}
	return c.UDPConn.WriteTo(p, to)
}

// ReadFrom drops what does not come from our media port.
func (c *relayConn) ReadFrom(p []byte) (int, net.Addr, error) {
	for {
		n, from, err := c.UDPConn.ReadFrom(p)
		if err != nil {
			return n, from, err
		}
		ap, ok := addrPort(from)
		if _, own := c.relay.peers[ap]; ok && own {
			return n, from, nil
		}
	}
}

// Close frees the user's place.
func (c *relayConn) Close() error {
	defer c.free()
	return c.UDPConn.Close()
}

// iceServers are what Welcome carries: the TURN server over UDP and TCP under
// the name by which the browser found us, or the address that was configured.
func (s *Server) iceServers(user, host string, now time.Time) []ICEServer {
	if s.engine == nil || s.engine.relay == nil {
		return []ICEServer{}
	}
	r := s.engine.relay
	switch {
	case s.cfg.External != "":
		host = s.cfg.External
	case !r.addr.Addr().IsUnspecified():
		host = r.addr.Addr().String()
	default:
		if h, _, err := net.SplitHostPort(host); err == nil {
			host = h
		}
		host = strings.Trim(host, "[]")
	}
	at := net.JoinHostPort(host, strconv.Itoa(int(r.addr.Port())))
	name, password := r.credential(user, now)
	return []ICEServer{{URLs: []string{"turn:" + at + "?transport=udp", "turn:" + at + "?transport=tcp"}, Username: name, Credential: password}}
}
