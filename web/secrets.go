package web

import (
	"bytes"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/hex"
	"fmt"
	"hash"
	"slices"
	"sync"

	"callfloor/media"

	"github.com/pion/dtls/v3"
	"github.com/pion/dtls/v3/pkg/crypto/prf"
	"github.com/pion/dtls/v3/pkg/protocol/extension"
	"github.com/pion/dtls/v3/pkg/protocol/handshake"
)

// secrets collects what the SRTP keys of one peer connection are made of, from
// its DTLS handshake, in which we are the server. pion keeps the keys to
// itself; its hooks show what they come from.
type secrets struct {
	mu      sync.Mutex
	server  []byte // the random of our ServerHello
	client  []byte // the random of the browser's ClientHello
	master  []byte
	suite   dtls.CipherSuiteID
	profile dtls.SRTPProtectionProfile
}

// hello takes our ServerHello on its way out and leaves it as it is.
func (s *secrets) hello(m handshake.MessageServerHello) handshake.Message {
	random := m.Random.MarshalFixed()
	s.mu.Lock()
	defer s.mu.Unlock()
	s.server = random[:]
	if m.CipherSuiteID != nil {
		s.suite = dtls.CipherSuiteID(*m.CipherSuiteID)
	}
	for _, e := range m.Extensions {
		if u, ok := e.(*extension.UseSRTP); ok && len(u.ProtectionProfiles) == 1 {
			s.profile = u.ProtectionProfiles[0]
		}
	}
	return &m
}

// Write takes a line of the key log: a label, the client's random and the
// master secret, in hexadecimal.
func (s *secrets) Write(line []byte) (int, error) {
	fields := bytes.Fields(line)
	if len(fields) != 3 || string(fields[0]) != "CLIENT_RANDOM" {
		return len(line), nil // another version of DTLS: pion reads for us
	}
	client, err := hex.DecodeString(string(fields[1]))
	if err != nil {
		return 0, fmt.Errorf("web: the client's random in the key log: %w", err)
	}
	master, err := hex.DecodeString(string(fields[2]))
	if err != nil {
		return 0, fmt.Errorf("web: the master secret in the key log: %w", err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.client, s.master = client, master
	return len(line), nil
}

// keys returns those that the browser's packets and ours are encrypted with (RFC
// 5764 §4.2, by the exporter of RFC 5705 §4) and forgets everything; false if
// the handshake did not show all of it.
func (s *secrets) keys() (browser, ours media.Key, ok bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	suite, ok := srtpSuites()[s.profile]
	if !ok || s.server == nil || s.master == nil {
		return media.Key{}, media.Key{}, false
	}
	key, salt := suite.key, suite.salt
	seed := bytes.Join([][]byte{[]byte("EXTRACTOR-dtls_srtp"), s.client, s.server}, nil)
	made, err := prf.PHash(s.master, seed, 2*(key+salt), s.hash())
	clear(s.master)
	s.server, s.client, s.master = nil, nil, nil
	if err != nil {
		return media.Key{}, media.Key{}, false
	}
	defer clear(made)
	// The client's key, the server's key, the client's salt, the server's salt.
	salts := made[2*key:]
	browser, err = media.NewKey(suite.name, slices.Concat(made[:key], salts[:salt]), nil)
	if err == nil {
		ours, err = media.NewKey(suite.name, slices.Concat(made[key:2*key], salts[salt:]), nil)
	}
	return browser, ours, err == nil
}

// protection says how the sound is encrypted, as media.Quality has it; "" before
// the handshake.
func (s *secrets) protection() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	suite, ok := srtpSuites()[s.profile]
	if !ok {
		return ""
	}
	return string(suite.name) + " (DTLS)"
}

// hash is that of the cipher suite's pseudo-random function (RFC 5246 §5).
func (s *secrets) hash() func() hash.Hash {
	switch s.suite {
	case dtls.TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384, dtls.TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384:
		return sha512.New384
	}
	return sha256.New
}

// srtpSuite is a protection profile with the lengths of its master key and
// salt, in octets (RFC 5764 §4.1.2, RFC 7714 §14.2).
type srtpSuite struct {
	name      media.Suite
	key, salt int
}

// srtpSuites are the profiles that settings offers.
func srtpSuites() map[dtls.SRTPProtectionProfile]srtpSuite {
	return map[dtls.SRTPProtectionProfile]srtpSuite{
		dtls.SRTP_AEAD_AES_128_GCM:       {media.AES128GCM, 16, 12},
		dtls.SRTP_AES128_CM_HMAC_SHA1_80: {media.AES128CM80, 16, 14},
	}
}
