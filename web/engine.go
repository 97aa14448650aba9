package web

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math/big"
	"net"
	"net/netip"
	"time"

	"callfloor/media"
	"callfloor/media/codec"

	"github.com/pion/dtls/v3"
	"github.com/pion/ice/v4"
	"github.com/pion/interceptor"
	"github.com/pion/transport/v4"
	"github.com/pion/transport/v4/packetio"
	"github.com/pion/webrtc/v4"
)

// Limits of the media port.
const (
	// udpBuffer is the kernel's receive buffer: half a second of 1,000 seats.
	udpBuffer = 4 << 20
	// streamBuffer holds packets of one stream between pion's reader and ours:
	// some six seconds of G.711. pion's own limit is 1 MB.
	streamBuffer = 64 << 10
	// tcpBuffer is what may wait for a browser on TCP: three seconds. Without
	// one, a slow browser would block whoever forwards to it.
	tcpBuffer = 32 << 10
	// maxTCP caps the connections on the TCP side of the media port.
	maxTCP = 4096
	// firstSTUN is how long such a connection may stay without a STUN request.
	firstSTUN = 5 * time.Second
)

// ICE times: silent for disconnectedAfter a seat is not ready any more; failed
// for good failedAfter later.
const (
	disconnectedAfter = 5 * time.Second
	failedAfter       = 10 * time.Second
	keepaliveEvery    = 2 * time.Second
)

// engine is the media port and everything that all peer connections share.
type engine struct {
	addr        netip.AddrPort
	settings    webrtc.SettingEngine
	codecs      *webrtc.MediaEngine
	certificate webrtc.Certificate
	mux         ice.UDPMux            // nil in tests without a port
	ports       map[string]*mediaPort // by address; none without a media engine
	tcp         *ice.TCPMuxDefault    // likewise
	intakes     *intakes
	relay       *relay // nil: no TURN server
	closers     []io.Closer
}

// network is what the media port works with.
type network struct {
	net   transport.Net // instead of the operating system's; tests only
	media *media.Engine // nil: none
}

func newEngine(cfg Config, with *media.Engine, log *slog.Logger) (*engine, error) {
	return newEngineOn(cfg, log, network{media: with})
}

func newEngineOn(cfg Config, log *slog.Logger, on network) (*engine, error) {
	e := &engine{intakes: newIntakes()}
	s := &e.settings
	var err error
	if on.net != nil {
		s.SetNet(on.net)
	} else if err = e.listen(cfg, on.media, log); err != nil {
		return nil, err
	}
	if err = settings(s, cfg, log); err != nil {
		return nil, errors.Join(err, e.close())
	}
	if e.codecs, err = codecs(); err != nil {
		return nil, errors.Join(err, e.close())
	}
	if e.certificate, err = certificate(); err != nil {
		return nil, errors.Join(err, e.close())
	}
	return e, nil
}

// newPeerConnection makes a peer connection whose RTP comes and goes by i.
func (e *engine) newPeerConnection(i *intake) (*webrtc.PeerConnection, error) {
	s := e.settings
	s.SetDTLSKeyLogWriter(&i.secrets)
	s.SetDTLSServerHelloMessageHook(i.secrets.hello)
	if e.mux != nil {
		i.out.shown = true
		s.SetICEUDPMux(tappedUDP{e.mux, i, e.ports})
		s.SetICETCPMux(tappedTCP{e.tcp, i})
	}
	// An empty registry: pion's default adds a header extension to every packet
	// of the browser and 3 allocations to each of ours. Reports are our own.
	api := webrtc.NewAPI(webrtc.WithMediaEngine(e.codecs), webrtc.WithSettingEngine(s), webrtc.WithInterceptorRegistry(&interceptor.Registry{}))
	return api.NewPeerConnection(webrtc.Configuration{Certificates: []webrtc.Certificate{e.certificate}})
}

// listen opens the port, UDP and TCP.
func (e *engine) listen(cfg Config, with *media.Engine, log *slog.Logger) error {
	ip, port, err := cfg.address()
	if err != nil {
		return err
	}
	// A free TCP port may be taken on UDP; try some others.
	for try := 0; ; try++ {
		err = e.listenOn(ip, port, cfg.DSCPAudio, with, log)
		if err == nil || port != 0 || try == 20 {
			return err
		}
	}
}

func (e *engine) listenOn(ip netip.Addr, port, dscp int, with *media.Engine, log *slog.Logger) error {
	tcpAddr := &net.TCPAddr{Port: port}
	if ip.IsValid() {
		tcpAddr.IP = ip.AsSlice()
	}
	tcp, err := net.ListenTCP("tcp", tcpAddr)
	if err != nil {
		return fmt.Errorf("webrtc: TCP %s cannot be opened (is another program on that port?): %w", tcpAddr, err)
	}
	port = tcp.Addr().(*net.TCPAddr).Port
	udp, ports, err := udpMux(ip, port, dscp, with, e.intakes, log)
	if err != nil {
		_ = tcp.Close()
		return err
	}
	loggers := logFactory{log}
	mux := ice.NewTCPMuxDefault(ice.TCPMuxParams{
		Listener: &cappedListener{Listener: tcp, free: make(chan struct{}, maxTCP)}, Logger: loggers.NewLogger("ice-tcp"), ReadBufferSize: 64,
		WriteBufferSize: tcpBuffer, FirstStunBindTimeout: firstSTUN, AliveDurationForConnFromStun: firstSTUN,
	})
	e.closers = []io.Closer{mux, udp}
	e.mux, e.ports, e.tcp = udp, ports, mux
	if !ip.IsValid() {
		ip = netip.IPv6Unspecified()
	}
	e.addr = netip.AddrPortFrom(ip, uint16(port))
	return nil
}

func settings(s *webrtc.SettingEngine, cfg Config, log *slog.Logger) error {
	s.LoggerFactory = logFactory{log}
	s.SetIncludeLoopbackCandidate(true)
	s.SetICEMulticastDNSMode(ice.MulticastDNSModeDisabled)
	s.SetNetworkTypes([]webrtc.NetworkType{webrtc.NetworkTypeUDP4, webrtc.NetworkTypeUDP6, webrtc.NetworkTypeTCP4, webrtc.NetworkTypeTCP6})
	s.DisableActiveTCP(true)
	// pion sees no RTP from which it could know that a track begins.
	s.SetFireOnTrackBeforeFirstRTP(true)
	s.SetICETimeouts(disconnectedAfter, failedAfter, keepaliveEvery)
	// GCM costs a third of CM with SHA-1, and is chosen only by a DTLS server.
	s.SetSRTPProtectionProfiles(dtls.SRTP_AEAD_AES_128_GCM, dtls.SRTP_AES128_CM_HMAC_SHA1_80)
	if err := s.SetAnsweringDTLSRole(webrtc.DTLSRoleServer); err != nil {
		return fmt.Errorf("webrtc: choosing the DTLS role: %w", err)
	}
	s.BufferFactory = func(packetio.BufferPacketType, uint32) io.ReadWriteCloser {
		b := packetio.NewBuffer()
		b.SetLimitSize(streamBuffer)
		return b
	}
	if cfg.External == "" {
		return nil
	}
	err := s.SetICEAddressRewriteRules(webrtc.ICEAddressRewriteRule{
		External: []string{cfg.External}, AsCandidateType: webrtc.ICECandidateTypeHost, Mode: webrtc.ICEAddressRewriteAppend,
	})
	if err != nil {
		return fmt.Errorf("webrtc: external_ip %q: %w", cfg.External, err)
	}
	return nil
}

// formats are what is answered to a browser, PCMU first. Never comfort noise or
// red: with them Chromium sends no audio in silence. The payload type of opus
// is the browser's.
var formats = [...]struct {
	id     codec.ID
	params webrtc.RTPCodecParameters
}{
	{codec.PCMU, webrtc.RTPCodecParameters{PayloadType: 0, RTPCodecCapability: webrtc.RTPCodecCapability{MimeType: webrtc.MimeTypePCMU, ClockRate: 8000}}},
	{codec.PCMA, webrtc.RTPCodecParameters{PayloadType: 8, RTPCodecCapability: webrtc.RTPCodecCapability{MimeType: webrtc.MimeTypePCMA, ClockRate: 8000}}},
	{codec.G722, webrtc.RTPCodecParameters{PayloadType: 9, RTPCodecCapability: webrtc.RTPCodecCapability{MimeType: webrtc.MimeTypeG722, ClockRate: 8000}}},
	{codec.Opus, webrtc.RTPCodecParameters{PayloadType: 111, RTPCodecCapability: webrtc.RTPCodecCapability{
		MimeType: webrtc.MimeTypeOpus, ClockRate: 48000, Channels: 2, SDPFmtpLine: "minptime=10;useinbandfec=1",
	}}},
}

func codecs() (*webrtc.MediaEngine, error) {
	m := &webrtc.MediaEngine{}
	for _, f := range formats {
		if err := m.RegisterCodec(f.params, webrtc.RTPCodecTypeAudio); err != nil {
			return nil, fmt.Errorf("webrtc: registering %s: %w", f.id, err)
		}
	}
	return m, RegisterVideo(m)
}

// certificate makes the one DTLS certificate of this process. It outlives any
// process: pion refuses new peer connections once it has expired, and its own
// certificates do so after a month. Browsers trust the fingerprint only.
func certificate() (webrtc.Certificate, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return webrtc.Certificate{}, fmt.Errorf("webrtc: making the DTLS key: %w", err)
	}
	serial, err := rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 127))
	if err != nil {
		return webrtc.Certificate{}, fmt.Errorf("webrtc: making the DTLS certificate: %w", err)
	}
	name := pkix.Name{CommonName: "callfloor"}
	now := time.Now()
	c, err := webrtc.NewCertificate(key, x509.Certificate{
		Issuer: name, Subject: name, SerialNumber: serial, Version: 2, NotBefore: now.AddDate(0, 0, -1), NotAfter: now.AddDate(10, 0, 0),
	})
	if err != nil {
		return webrtc.Certificate{}, fmt.Errorf("webrtc: making the DTLS certificate: %w", err)
	}
	return *c, nil
}

func (e *engine) close() error {
	var errs []error
	for _, c := range e.closers {
		if err := c.Close(); err != nil && !errors.Is(err, net.ErrClosed) {
			errs = append(errs, err)
		}
	}
	return errors.Join(errs...)
}
