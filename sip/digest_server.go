package sip

import (
	"crypto/hmac"
	"crypto/md5" //nolint:gosec // RFC 3261 phones know nothing else
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"net/netip"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// Realm is the protection space of every telephone's password. It is part of
// the stored hashes, so it is no setting.
const Realm = "callfloor"

// The digest algorithms that we know (RFC 8760), by their names in headers.
const (
	MD5    = "MD5"
	SHA256 = "SHA-256"
)

// Phones knows the passwords of telephones, as hashes. Its answers come from
// memory: they take the same time for everybody and never block.
type Phones interface {
	// HA1 returns what HA1 made of the user's password; ok is false for who has
	// none.
	HA1(user, algorithm string) (ha1 string, ok bool)
}

// HA1 is the hash of a password that digest authentication needs, in hex
// (RFC 7616 §3.4.2): H(user:realm:password). It is as good as the password.
// An unknown algorithm gives "".
func HA1(algorithm, user, password string) string {
	return digestHash(algorithm, user+":"+Realm+":"+password)
}

func digestHash(algorithm, text string) string {
	switch algorithm {
	case MD5:
		sum := md5.Sum([]byte(text)) //nolint:gosec // see the import
		return hex.EncodeToString(sum[:])
	case SHA256:
		sum := sha256.Sum256([]byte(text))
		return hex.EncodeToString(sum[:])
	}
	return ""
}

// judgement is what came of a look at authorization.
type judgement int

const (
	digestWrong judgement = iota // unknown user, wrong password, another's place
	digestStale                  // right, but for an old or a used nonce
	digestRight
	digestBroken // not to be understood: 400
)

// digestServer challenges and checks: the server's half of digest authentication
// (RFC 3261 §22, RFC 7616, RFC 8760). Nonces carry their own time and seal, so
// that a challenge costs no memory; only those that were used rightly are kept
// until they are old, with the highest count seen.
type digestServer struct {
	phones     Phones
	algorithms []string
	life       time.Duration
	key        [32]byte // seals nonces
	serial     atomic.Uint64
	// nobody is, by algorithm, what stands for the HA1 of a user that there is not:
	// as long as one, so that a wrong password costs the same.
	nobody map[string]string

	mu       sync.Mutex
	used     map[string]uint32 // nonce → the highest count; this life and
	before   map[string]uint32 // the one before
	turnedAt time.Time
}

func newDigestServer(p Phones, algorithms []string, life time.Duration) *digestServer {
	d := &digestServer{phones: p, algorithms: algorithms, life: life, used: map[string]uint32{}, before: map[string]uint32{}}
	_, _ = rand.Read(d.key[:]) // never fails
	d.nobody = map[string]string{}
	for _, a := range []string{MD5, SHA256} {
		d.nobody[a] = HA1(a, "", rand.Text())
	}
	return d
}

const (
	nonceBody = 16 // time and serial number
	nonceSeal = 16
)

// nonce makes a fresh nonce for a peer.
func (d *digestServer) nonce(peer netip.Addr, now time.Time) string {
	var b [nonceBody + nonceSeal]byte
	binary.BigEndian.PutUint64(b[:], uint64(now.UnixMilli())) //nolint:gosec // after 1970
	binary.BigEndian.PutUint64(b[8:], d.serial.Add(1))
	copy(b[nonceBody:], d.sealFor(peer, b[:nonceBody]))
	return base64.RawURLEncoding.EncodeToString(b[:])
}

func (d *digestServer) seal(b []byte) []byte {
	m := hmac.New(sha256.New, d.key[:])
	m.Write(b)
	return m.Sum(nil)[:nonceSeal]
}

// sealFor seals a nonce for a peer, by what limits count it by: a phone with IPv6
// changes its address within its network.
func (d *digestServer) sealFor(peer netip.Addr, b []byte) []byte {
	to := source(peer).As16()
	return d.seal(append(to[:], b...))
}

// fresh says whether a nonce is ours, the peer's and young enough.
func (d *digestServer) fresh(nonce string, peer netip.Addr, now time.Time) bool {
	b, err := base64.RawURLEncoding.DecodeString(nonce)
	if err != nil || len(b) != nonceBody+nonceSeal || !hmac.Equal(b[nonceBody:], d.sealFor(peer, b[:nonceBody])) {
		return false
	}
	age := now.Sub(time.UnixMilli(int64(binary.BigEndian.Uint64(b)))) //nolint:gosec // we wrote it
	return age >= 0 && age <= d.life
}

// challenges are the WWW-Authenticate headers of a 401 to a peer, one for each
// algorithm.
func (d *digestServer) challenges(peer netip.Addr, now time.Time, stale bool) []string {
	nonce := d.nonce(peer, now)
	tail := ""
	if stale {
		tail = ", stale=true"
	}
	out := make([]string, 0, len(d.algorithms))
	for _, a := range d.algorithms {
		out = append(out, fmt.Sprintf(`Digest realm="%s", nonce="%s", algorithm=%s, qop="auth"%s`, Realm, nonce, a, tail))
	}
	return out
}

// check judges authorization for a request of a peer. An unknown user costs what
// a wrong password does: the same look-ups and the same hashes of as many octets.
// A right one in another's place (own is false) is wrong, and uses up no nonce: it
// would tell, past the lock of its own user, that the password was guessed.
func (d *digestServer) check(c authorization, own bool, method string, peer netip.Addr, now time.Time) judgement {
	algorithm := d.algorithm(c.algorithm)
	if algorithm == "" || c.qop != "" && !strings.EqualFold(c.qop, "auth") {
		return digestBroken
	}
	count := uint64(1)
	if c.qop != "" {
		var err error
		if count, err = strconv.ParseUint(c.nc, 16, 32); err != nil || len(c.nc) != 8 || c.cnonce == "" {
			return digestBroken
		}
	}
	nobody := d.nobody[algorithm]
	ha1, known := d.phones.HA1(c.username, algorithm)
	if !known {
		ha1 = nobody
	}
	want := c.answer(ha1, method, algorithm)
	right := subtle.ConstantTimeCompare([]byte(strings.ToLower(c.response)), []byte(want)) == 1
	fresh := d.fresh(c.nonce, peer, now)
	switch {
	case !right || !known || !own:
		return digestWrong
	case !fresh:
		return digestStale
	case c.qop == "" && !d.count(c.nonce, 1<<32-1, now): // no count: good for once
		return digestStale
	case c.qop != "" && !d.count(c.nonce, uint32(count), now): //nolint:gosec // 32 bits parsed
		return digestStale
	}
	return digestRight
}

// algorithm is the one that a header names, "" if it is none of ours. No name
// means MD5 (RFC 2617).
func (d *digestServer) algorithm(name string) string {
	if name == "" {
		name = MD5
	}
	for _, a := range d.algorithms {
		if strings.EqualFold(a, name) {
			return a
		}
	}
	return ""
}

// count takes the next use of a nonce; false if this count or a higher one was
// there before, which is a replay.
func (d *digestServer) count(nonce string, n uint32, now time.Time) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	if age := now.Sub(d.turnedAt); age > d.life {
		d.before, d.used, d.turnedAt = d.used, map[string]uint32{}, now
		if age > 2*d.life {
			clear(d.before)
		}
	}
	last := max(d.used[nonce], d.before[nonce])
	if n <= last {
		return false
	}
	d.used[nonce] = n
	return true
}
