package siptest

import (
	"net"
	"net/netip"
	"sync"
	"time"

	"github.com/pion/rtp"

	"callfloor/internal/simnet"
	"callfloor/media"
	"callfloor/media/codec"
)

// Session is a media session on the in-memory network: RTP by the real sender
// and receiver, without RTCP, latching and the alarm of silence. It has the
// methods of media.Session.
type Session struct {
	conn     *simnet.Conn
	sender   *media.Sender
	receiver *media.Receiver
	done     chan struct{}

	mu       sync.Mutex
	remotes  []media.Remote
	held     bool
	silence  func(time.Duration, bool)
	insecure func(error)
}

// OpenSession opens a session at ip.
func OpenSession(n *simnet.Network, ip netip.Addr, p *media.Pacer) (*Session, error) {
	conn, err := n.Listen(netip.AddrPortFrom(ip, 0).String())
	if err != nil {
		return nil, err
	}
	s := &Session{conn: conn, sender: media.NewSender(p, "test"), receiver: media.NewReceiver("test"), done: make(chan struct{})}
	go s.read()
	return s, nil
}

func (s *Session) read() {
	defer close(s.done)
	buf := make([]byte, 2048)
	for {
		n, _, err := s.conn.ReadFrom(buf)
		if err != nil {
			return
		}
		_ = s.receiver.WriteRTP(buf[:n], time.Now())
	}
}

// OnInsecure takes what FailHandshake calls: there is no encryption here.
func (s *Session) OnInsecure(fn func(error)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.insecure = fn
}

// FailHandshake is the alarm that a handshake failed.
func (s *Session) FailHandshake(err error) {
	s.mu.Lock()
	fn := s.insecure
	s.mu.Unlock()
	fn(err)
}

// LocalPort is the RTP port.
func (s *Session) LocalPort() int { return s.conn.LocalAddr().(*net.UDPAddr).Port }

// Source is what the far end says.
func (s *Session) Source() *media.Source { return s.receiver.Source() }

// Sender is what it hears.
func (s *Session) Sender() *media.Sender { return s.sender }

// OnDigit sets who hears of keys.
func (s *Session) OnDigit(f func(media.Digit)) { s.receiver.OnDigit(f) }

// OnSilence keeps fn for FireSilence.
func (s *Session) OnSilence(_, _ time.Duration, fn func(time.Duration, bool)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.silence = fn
}

// FireSilence calls what OnSilence was given.
func (s *Session) FireSilence(d time.Duration, ended bool) {
	s.mu.Lock()
	fn := s.silence
	s.mu.Unlock()
	fn(d, ended)
}

// SetHeld notes whether the leg is held.
func (s *Session) SetHeld(on bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.held = on
}

// Held is what SetHeld was told last.
func (s *Session) Held() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.held
}

// Remotes are all that SetRemote was given.
func (s *Session) Remotes() []media.Remote {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]media.Remote(nil), s.remotes...)
}

// SetRemote directs the streams.
func (s *Session) SetRemote(r media.Remote) {
	s.mu.Lock()
	s.remotes = append(s.remotes, r)
	s.mu.Unlock()
	s.receiver.SetPayloadTypes(map[uint8]codec.ID{r.PayloadType: r.Codec, r.Events: codec.TelephoneEvent})
	if !r.Receives || !r.Addr.IsValid() {
		s.sender.SetOutput(media.Output{})
		return
	}
	to := net.UDPAddrFromAddrPort(r.Addr)
	s.sender.SetOutput(media.Output{
		SSRC: 0xCA11, PayloadTypes: map[codec.ID]uint8{r.Codec: r.PayloadType}, Events: r.Events,
		Write: func(h *rtp.Header, payload []byte) error {
			b, err := h.Marshal()
			if err != nil {
				return err
			}
			_, err = s.conn.WriteTo(append(b, payload...), to)
			return err
		},
	})
}

// Quality is what the sender and receiver counted.
func (s *Session) Quality() media.Quality {
	in, out := s.receiver.Stats(), s.sender.Stats()
	q := media.Quality{Codec: in.Codec.String(), Sent: out.Packets, Received: in.Packets, Lost: in.Lost}
	q.JitterMS = float64(in.Jitter) / float64(time.Millisecond)
	q.Score = media.Score(in.Codec, 0, q.JitterMS, 0)
	return q
}

// Close closes the socket and joins the reader.
func (s *Session) Close() {
	s.sender.Close()
	_ = s.conn.Close()
	<-s.done
}
