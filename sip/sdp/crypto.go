package sdp

import (
	"encoding/base64"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"callfloor/media"
)

// Policy is what is done about encrypted media.
type Policy string

// The policies.
const (
	// Optional takes SRTP where it is offered, plain RTP where it is not.
	Optional Policy = "optional"
	// Require refuses offers and answers without SRTP.
	Require Policy = "require"
	// Off speaks plain RTP only.
	Off Policy = "off"
)

// Method is how SRTP gets its keys.
type Method string

// The methods; "" is plain RTP.
const (
	SDES Method = "sdes" // in the description, RFC 4568
	DTLS Method = "dtls" // by a handshake on the media's path, RFC 5763
	// Either offers keys in the description of plain RTP (RFC 8643): who knows
	// them encrypts, who does not ignores them. Only offers ask for it.
	Either Method = "either"
)

// Security is our side of the encryption. The zero value is Off.
type Security struct {
	Policy Policy
	// Offer is what our offers ask for.
	Offer Method
	// Key returns the key that we send with in a suite, for the life of the
	// call the same one.
	Key func(media.Suite) media.Key
	// Fingerprint is our certificate's.
	Fingerprint media.Fingerprint
}

// ErrNotSecure says that offer and answer found no common way to encrypt where
// one of them insists on it (488, RFC 3261 §21.4.26).
var ErrNotSecure = errors.New("no common way to encrypt the audio")

// Limits of what is kept of a description.
const (
	maxCrypto       = 16
	maxFingerprints = 8
)

// security are the attributes of a section, or of the session, about SRTP.
type security struct {
	crypto       []crypto
	fingerprints []media.Fingerprint
	setup        string // RFC 4145 §4
}

// crypto is an a=crypto line that can be used (RFC 4568 §9.1).
type crypto struct {
	tag  string
	name string // the suite as they wrote it
	key  media.Key
}

// security takes an attribute that concerns encryption; false if it does not.
func (p *parser) security(m *Media, key, val string) bool {
	s := &p.secure
	if m != nil {
		s = &m.secure
	}
	switch strings.ToLower(key) {
	case "crypto":
		if c, ok := parseCrypto(val); ok && m != nil && len(s.crypto) < maxCrypto {
			s.crypto = append(s.crypto, c)
		}
	case "fingerprint":
		hash, value, ok := strings.Cut(val, " ")
		if ok && len(s.fingerprints) < maxFingerprints {
			s.fingerprints = append(s.fingerprints, media.Fingerprint{Hash: strings.ToLower(hash), Value: strings.ToUpper(strings.TrimSpace(value))})
		}
	case "setup":
		s.setup = strings.ToLower(val)
	default:
		return false
	}
	return true
}

// inherit fills in what stands in the session's part.
func (s *security) inherit(session security) {
	if len(s.fingerprints) == 0 {
		s.fingerprints = session.fingerprints
	}
	if s.setup == "" {
		s.setup = session.setup
	}
}

// parseCrypto reads "1 AES_CM_128_HMAC_SHA1_80 inline:KEY|2^20|1:4 WSH=64".
// Lines of unknown suites, with several keys, or with session parameters that
// would have to be obeyed are passed over (RFC 4568 §6.3).
func parseCrypto(v string) (crypto, bool) {
	f := strings.Fields(v)
	if len(f) < 3 || len(f[0]) > 9 || strings.Trim(f[0], "0123456789") != "" {
		return crypto{}, false
	}
	for _, par := range f[3:] {
		if par[0] != '-' && !strings.HasPrefix(strings.ToUpper(par), "WSH=") {
			return crypto{}, false
		}
	}
	inline, ok := strings.CutPrefix(f[2], "inline:")
	if !ok || strings.Contains(inline, ";") {
		return crypto{}, false
	}
	part := strings.Split(inline, "|")
	master, err := base64.RawStdEncoding.DecodeString(strings.TrimRight(part[0], "="))
	if err != nil {
		return crypto{}, false
	}
	var mki []byte
	if last := part[len(part)-1]; len(part) > 1 && strings.Contains(last, ":") {
		if mki, ok = parseMKI(last); !ok {
			return crypto{}, false
		}
	}
	c := crypto{tag: f[0], name: f[1]}
	c.key, err = media.NewKey(suite(f[1]), master, mki)
	return c, err == nil
}

// suite finds a suite by name; AES_CM_256 is what drafts of RFC 6188 called
// AES_256_CM.
func suite(name string) media.Suite {
	return media.Suite(strings.Replace(strings.ToUpper(name), "AES_CM_256_", "AES_256_CM_", 1))
}

// parseMKI reads "1:4": the number 1 in four octets.
func parseMKI(v string) ([]byte, bool) {
	num, size, _ := strings.Cut(v, ":")
	value, err := strconv.ParseUint(num, 10, 64)
	n, err2 := strconv.Atoi(size)
	if err != nil || err2 != nil || n < 1 || n > 128 || n < 8 && value>>(8*n) != 0 {
		return nil, false
	}
	mki := make([]byte, n)
	for i := n - 1; i >= 0 && value > 0; i-- {
		mki[i] = byte(value)
		value >>= 8
	}
	return mki, true
}

// profile is the part of an m= line's protocol that matters here.
type profile int

const (
	foreign   profile = iota
	plain             // RTP/AVP, RTP/AVPF
	encrypted         // RTP/SAVP, RTP/SAVPF
	handshake         // UDP/TLS/RTP/SAVP, UDP/TLS/RTP/SAVPF
)

func (m *Media) profile() profile {
	switch strings.ToUpper(m.Proto) {
	case "RTP/AVP", "RTP/AVPF":
		return plain
	case "RTP/SAVP", "RTP/SAVPF":
		return encrypted
	case "UDP/TLS/RTP/SAVP", "UDP/TLS/RTP/SAVPF":
		return handshake
	}
	return foreign
}

// agreement is how a section is encrypted, and the lines that say so.
type agreement struct {
	protection media.Protection
	lines      []string
}

// secureAnswer picks the encryption of an offered section. Where plain RTP is
// offered with keys (RFC 8643) it is encrypted too.
func (m *Media) secureAnswer(l Security) (agreement, error) {
	p := m.profile()
	off := l.Policy == Off || l.Policy == "" || l.Key == nil
	switch {
	case p == foreign, off && p != plain:
		return agreement{}, ErrNotSecure
	case off:
		return agreement{}, nil
	}
	if p != handshake {
		if a, ok := m.answerKeys(l); ok {
			return a, nil
		}
	}
	if a, ok := m.answerHandshake(l); ok {
		return a, nil
	}
	if p != plain || l.Policy == Require {
		return agreement{}, ErrNotSecure
	}
	return agreement{}, nil
}

// answerKeys takes the offered line whose suite we like best.
func (m *Media) answerKeys(l Security) (agreement, bool) {
	for _, s := range media.Suites() {
		i := slices.IndexFunc(m.secure.crypto, func(c crypto) bool { return c.key.Suite == s })
		if i < 0 {
			continue
		}
		theirs, ours := m.secure.crypto[i], l.Key(s)
		return agreement{
			protection: media.Protection{Send: ours, Receive: theirs.key},
			lines:      []string{cryptoLine(theirs.tag, theirs.name, ours)},
		}, ours.Valid()
	}
	return agreement{}, false
}

func cryptoLine(tag, name string, k media.Key) string {
	return fmt.Sprintf("a=crypto:%s %s inline:%s", tag, token(name), k.Inline())
}

// answerHandshake takes an offered handshake. Where they leave it to us they
// begin: then they need not be reachable, and the server's choice of a suite,
// which is ours, is GCM.
func (m *Media) answerHandshake(l Security) (agreement, bool) {
	if len(m.secure.fingerprints) == 0 || l.Fingerprint.Value == "" {
		return agreement{}, false
	}
	role := "passive"
	switch m.secure.setup {
	case "passive":
		role = "active"
	case "", "active", "actpass":
	default: // holdconn: no connection now
		return agreement{}, false
	}
	return agreement{
		protection: media.Protection{DTLS: &media.Handshake{Active: role == "active", Fingerprints: m.secure.fingerprints}},
		lines:      dtlsLines(l, role),
	}, true
}

func dtlsLines(l Security, role string) []string {
	return []string{"a=fingerprint:" + l.Fingerprint.Hash + " " + l.Fingerprint.Value, "a=setup:" + role}
}

// secureOffer is what an offer of ours says: its protocol and lines.
func secureOffer(l Security) (proto string, lines []string) {
	switch l.Offer {
	case SDES:
		return "RTP/SAVP", keyLines(l)
	case Either:
		return "RTP/AVP", keyLines(l)
	case DTLS:
		return "UDP/TLS/RTP/SAVP", dtlsLines(l, "actpass")
	}
	return "RTP/AVP", nil
}

// keyLines offer a key in every suite.
func keyLines(l Security) (lines []string) {
	for i, s := range media.Suites() {
		lines = append(lines, cryptoLine(strconv.Itoa(i+1), string(s), l.Key(s)))
	}
	return lines
}

// secureAccept reads the answer to an offer of ours.
func (m *Media) secureAccept(l Security) (media.Protection, error) {
	switch l.Offer {
	case SDES, Either:
		for _, c := range m.secure.crypto {
			i, err := strconv.Atoi(c.tag)
			if all := media.Suites(); err == nil && i >= 1 && i <= len(all) && all[i-1] == c.key.Suite {
				return media.Protection{Send: l.Key(c.key.Suite), Receive: c.key}, nil
			}
		}
		if l.Offer == SDES {
			return media.Protection{}, ErrNotSecure
		}
	case DTLS:
		if len(m.secure.fingerprints) == 0 || m.profile() == plain {
			return media.Protection{}, ErrNotSecure
		}
		return media.Protection{DTLS: &media.Handshake{Active: m.secure.setup == "passive", Fingerprints: m.secure.fingerprints}}, nil
	}
	if m.profile() != plain {
		return media.Protection{}, ErrNotSecure
	}
	return media.Protection{}, nil
}

// choose picks the section of an offer that is answered: the first usable one,
// but an encrypted one before a plain one. -1 and the reason if there is none.
func choose(offer *Session, l Local) (int, agreement, error) {
	chosen, how, reason := -1, agreement{}, ErrNoCodec
	for i := range offer.Media {
		m := &offer.Media[i]
		if !m.usable() {
			continue
		}
		if _, ok := m.agree(l); !ok {
			continue
		}
		s, err := m.secureAnswer(l.Security)
		switch {
		case err != nil && chosen < 0:
			reason = err
		case err == nil && (chosen < 0 || how.protection.Zero() && !s.protection.Zero()):
			chosen, how = i, s
		}
	}
	return chosen, how, reason
}
