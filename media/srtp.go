package media

import (
	"bytes"
	"crypto/rand"
	"crypto/subtle"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"net/netip"
	"sync"

	"github.com/pion/rtp"
	"github.com/pion/srtp/v3"
)

// Suite is an SRTP crypto-suite by the name that SDP gives it.
type Suite string

// The suites that are spoken (RFC 4568 §6.2, RFC 6188 §4, RFC 7714 §14).
const (
	AES128GCM  Suite = "AEAD_AES_128_GCM"
	AES256GCM  Suite = "AEAD_AES_256_GCM"
	AES128CM80 Suite = "AES_CM_128_HMAC_SHA1_80"
	AES256CM80 Suite = "AES_256_CM_HMAC_SHA1_80"
	AES128CM32 Suite = "AES_CM_128_HMAC_SHA1_32"
	AES256CM32 Suite = "AES_256_CM_HMAC_SHA1_32"
)

// Suites returns the suites that are spoken, the cheapest of the strong ones
// first: GCM costs a third of AES-CM with HMAC-SHA1.
func Suites() []Suite {
	return []Suite{AES128GCM, AES256GCM, AES128CM80, AES256CM80, AES128CM32, AES256CM32}
}

// profile is the suite in pion's numbers; 0: not spoken.
func (s Suite) profile() srtp.ProtectionProfile {
	switch s {
	case AES128GCM:
		return srtp.ProtectionProfileAeadAes128Gcm
	case AES256GCM:
		return srtp.ProtectionProfileAeadAes256Gcm
	case AES128CM80:
		return srtp.ProtectionProfileAes128CmHmacSha1_80
	case AES256CM80:
		return srtp.ProtectionProfileAes256CmHmacSha1_80
	case AES128CM32:
		return srtp.ProtectionProfileAes128CmHmacSha1_32
	case AES256CM32:
		return srtp.ProtectionProfileAes256CmHmacSha1_32
	}
	return 0
}

// keySizes returns the lengths of a master key and its salt, in octets.
func (s Suite) keySizes() (key, salt int) {
	p := s.profile()
	if p == 0 {
		return 0, 0
	}
	key, _ = p.KeyLen() // known profiles have both
	salt, _ = p.SaltLen()
	return key, salt
}

// Key is an SRTP master key and salt, for one direction. It prints as the name
// of its suite, so that no log and no dump can hold it.
type Key struct {
	Suite  Suite
	secret *secret
}

// secret stands behind a pointer so that printing a struct with a Key in it
// shows an address at most.
type secret struct{ master, mki []byte }

// Errors of NewKey.
var (
	errSuite     = errors.New("the crypto-suite is not spoken here")
	errKeyLength = errors.New("the key has the wrong length for its suite")
)

// NewKey makes a Key of what a=crypto carried (RFC 4568 §6.1): master is the
// key with the salt after it, mki the master key identifier that its packets
// carry, nil for none.
func NewKey(s Suite, master, mki []byte) (Key, error) {
	key, salt := s.keySizes()
	switch {
	case key == 0:
		return Key{}, fmt.Errorf("make an SRTP key for %.40q: %w", string(s), errSuite)
	case len(master) != key+salt:
		return Key{}, fmt.Errorf("make an SRTP key of %d octets for %s: %w", len(master), s, errKeyLength)
	}
	return Key{Suite: s, secret: &secret{bytes.Clone(master), bytes.Clone(mki)}}, nil
}

// GenerateKey makes a fresh random Key; the zero Key for a suite that is not
// spoken.
func GenerateKey(s Suite) Key {
	key, salt := s.keySizes()
	if key == 0 {
		return Key{}
	}
	master := make([]byte, key+salt)
	_, _ = rand.Read(master) // it never fails: it ends the process instead
	return Key{Suite: s, secret: &secret{master: master}}
}

// Valid says whether there is a key.
func (k Key) Valid() bool { return k.secret != nil }

// Inline returns the key as a=crypto writes it after "inline:".
func (k Key) Inline() string {
	if k.secret == nil {
		return ""
	}
	return base64.StdEncoding.EncodeToString(k.secret.master)
}

// String names the suite and nothing of the key.
func (k Key) String() string { return string(k.Suite) + " key" }

// GoString is String.
func (k Key) GoString() string { return k.String() }

func (k Key) equal(o Key) bool {
	if k.secret == nil || o.secret == nil {
		return k.secret == o.secret
	}
	return k.Suite == o.Suite && bytes.Equal(k.secret.mki, o.secret.mki) &&
		subtle.ConstantTimeCompare(k.secret.master, o.secret.master) == 1
}

// replayWindow is how many packets one may come late before it is taken for a
// replay: 2.5 s of 20 ms packets.
const replayWindow = 128

// context makes pion's state for one direction.
func (k Key) context(opts ...srtp.ContextOption) (*srtp.Context, error) {
	if k.secret == nil {
		return nil, errSuite
	}
	n, _ := k.Suite.keySizes()
	if len(k.secret.mki) > 0 {
		opts = append(opts, srtp.MasterKeyIndicator(k.secret.mki))
	}
	c, err := srtp.CreateContext(k.secret.master[:n], k.secret.master[n:], k.Suite.profile(), opts...)
	if err != nil {
		return nil, fmt.Errorf("use a key for %s: %w", k.Suite, err)
	}
	return c, nil
}

// secureRoom is how much longer than its plain form a packet gets at most: the
// tag, SRTCP's index, and a bit.
const secureRoom = 64

// Sealer encrypts one direction's packets. It is safe for concurrent use.
type Sealer struct {
	key Key

	mu      sync.Mutex // RTP and RTCP come from different goroutines
	context *srtp.Context
	header  rtp.Header
	out     [maxDatagram + secureRoom]byte
}

// NewSealer returns the Sealer of a key, of which there may be one only: a
// packet number that is used twice with one key gives both packets away.
func NewSealer(k Key) (*Sealer, error) {
	c, err := k.context()
	if err != nil {
		return nil, err
	}
	return &Sealer{key: k, context: c}, nil
}

// RTP lays a packet out, encrypts it and hands it to write, whose it is only
// while write runs. Numbers that go round carry on (RFC 3711 §3.3.1). It
// allocates nothing.
func (s *Sealer) RTP(h *rtp.Header, payload []byte, write func([]byte) error) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	n, err := h.MarshalTo(s.out[:maxDatagram])
	if err != nil {
		return fmt.Errorf("lay out an RTP packet: %w", err)
	}
	if n+len(payload) > maxDatagram {
		return errTooLong
	}
	n += copy(s.out[n:], payload)
	b, err := s.context.EncryptRTP(s.out[:0], s.out[:n], &s.header)
	if err != nil {
		return fmt.Errorf("encrypt an RTP packet: %w", err)
	}
	return write(b)
}

// sendRTP encrypts a packet and writes it. It allocates nothing.
func (s *Sealer) sendRTP(c datagrams, plain []byte, to netip.AddrPort) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	b, err := s.context.EncryptRTP(s.out[:0], plain, &s.header)
	if err != nil {
		return fmt.Errorf("encrypt an RTP packet: %w", err)
	}
	_, err = c.WriteToUDPAddrPort(b, to)
	return err
}

// sendRTCP encrypts a compound packet and writes it.
func (s *Sealer) sendRTCP(c datagrams, plain []byte, to netip.AddrPort) error {
	if len(plain) > maxDatagram {
		return errTooLong
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	b, err := s.context.EncryptRTCP(s.out[:0], plain, nil)
	if err != nil {
		return fmt.Errorf("encrypt an RTCP packet: %w", err)
	}
	_, err = c.WriteToUDPAddrPort(b, to)
	return err
}

// Opener decrypts and authenticates what comes from one far end. It is safe for
// concurrent use.
type Opener struct {
	key Key

	mu      sync.Mutex // the two sockets are read by two goroutines
	context *srtp.Context
	header  rtp.Header
	// What is kept of each SSRC that came is kept for good.
	rtp, rtcp streams
}

// maxStreams is how many SSRCs one far end may use under one key. It is far more
// than any has sources, and bounds what is kept of them.
const maxStreams = 256

// streams are the SSRCs of a far end. The last one is looked at first.
type streams struct {
	last uint32
	all  map[uint32]struct{}
}

var errStreams = errors.New("decrypt a packet: the far end has used too many SSRCs")

// room says whether packets of an SSRC can be taken.
func (s *streams) room(ssrc uint32) bool {
	if len(s.all) > 0 && ssrc == s.last || len(s.all) < maxStreams {
		return true
	}
	_, ok := s.all[ssrc]
	return ok
}

// note takes an SSRC whose packet is authentic.
func (s *streams) note(ssrc uint32) {
	if len(s.all) > 0 && ssrc == s.last {
		return
	}
	if s.all == nil {
		s.all = map[uint32]struct{}{}
	}
	s.last, s.all[ssrc] = ssrc, struct{}{}
}

// open decrypts b, whose SSRC is at an offset, where it lies.
func (s *streams) open(b []byte, at int, decrypt func() ([]byte, error)) ([]byte, error) {
	if len(b) < at+4 {
		return nil, errShort
	}
	ssrc := binary.BigEndian.Uint32(b[at:])
	if !s.room(ssrc) {
		return nil, errStreams
	}
	plain, err := decrypt()
	if err == nil {
		s.note(ssrc)
	}
	return plain, err
}

// NewOpener returns an Opener that refuses what comes twice, or later than 128
// packets behind the newest.
func NewOpener(k Key) (*Opener, error) {
	c, err := k.context(srtp.SRTPReplayProtection(replayWindow), srtp.SRTCPReplayProtection(replayWindow))
	if err != nil {
		return nil, err
	}
	return &Opener{key: k, context: c}, nil
}

// RTP decrypts a packet where it lies and returns it without its tag. It
// allocates nothing; an error means that the packet is to be dropped.
func (o *Opener) RTP(b []byte) ([]byte, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.rtp.open(b, 8, func() ([]byte, error) { return o.context.DecryptRTP(b[:0], b, &o.header) })
}

// RTCP is RTP for compound RTCP packets.
func (o *Opener) RTCP(b []byte) ([]byte, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.rtcp.open(b, 4, func() ([]byte, error) { return o.context.DecryptRTCP(b[:0], b, nil) })
}
