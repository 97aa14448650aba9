package stir

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/base64"
	"encoding/pem"
	"errors"
	"math/big"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"pgregory.net/rapid"
)

const x5u = "https://certificates.example.org/shaken.pem"

// authority makes certificates as the STI-PA's are.
type authority struct {
	key  *ecdsa.PrivateKey
	cert *x509.Certificate
}

func newKey(t testing.TB) *ecdsa.PrivateKey {
	t.Helper()
	k, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return k
}

func newAuthority(t testing.TB) *authority {
	t.Helper()
	a := &authority{key: newKey(t)}
	a.cert = a.issue(t, "root", &a.key.PublicKey, true)
	return a
}

func (a *authority) issue(t testing.TB, name string, key *ecdsa.PublicKey, isCA bool) *x509.Certificate {
	t.Helper()
	tpl := &x509.Certificate{
		SerialNumber: big.NewInt(time.Now().UnixNano()), Subject: pkix.Name{CommonName: name}, IsCA: isCA, BasicConstraintsValid: true,
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour), KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign,
	}
	parent := a.cert
	if parent == nil {
		parent = tpl
	}
	der, err := x509.CreateCertificate(rand.Reader, tpl, parent, key, a.key)
	if err != nil {
		t.Fatal(err)
	}
	c, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// chains is a Source with fixed chains.
type chains map[string][]*x509.Certificate

func (c chains) Certificates(_ context.Context, url string) ([]*x509.Certificate, error) {
	if chain, ok := c[url]; ok {
		return chain, nil
	}
	return nil, errors.New("not found")
}

func TestSignAndVerify(t *testing.T) {
	root, stranger := newAuthority(t), newAuthority(t)
	key := newKey(t)
	pool := x509.NewCertPool()
	pool.AddCert(root.cert)
	good := chains{x5u: {root.issue(t, "SHAKEN 1234", &key.PublicKey, false)}}
	sign := func(change func(*Signer)) string {
		s := &Signer{Key: key, X5U: x5u, Attest: Full}
		if change != nil {
			change(s)
		}
		v, err := s.Sign("+1 (215) 555-1212", "+12155551213", "123e4567-e89b-12d3-a456-426655440000")
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
	at := func(d time.Duration) func(*Signer) {
		return func(s *Signer) { s.Now = func() time.Time { return time.Now().Add(d) } }
	}
	forged := func() string { // another attestation under the same signature
		v := sign(func(s *Signer) { s.Attest = Gateway })
		part := strings.SplitN(v, ".", 3)
		claims, _ := base64.RawURLEncoding.DecodeString(part[1])
		part[1] = base64.RawURLEncoding.EncodeToString([]byte(strings.Replace(string(claims), `"attest":"C"`, `"attest":"A"`, 1)))
		return strings.Join(part, ".")
	}
	for _, c := range []struct {
		name, value, from, to string
		source                Source
		want                  error
	}{
		{"good", sign(nil), "+12155551212", "12155551213", good, nil},
		{"a chain with one between", sign(nil), "12155551212", "12155551213", good, nil},
		{"59 s old", sign(at(-59 * time.Second)), "12155551212", "12155551213", good, nil},
		{"too old", sign(at(-62 * time.Second)), "12155551212", "12155551213", good, ErrStale},
		{"of tomorrow", sign(at(24 * time.Hour)), "12155551212", "12155551213", good, ErrStale},
		{"another caller", sign(nil), "12155551299", "12155551213", good, ErrNumbers},
		{"another callee", sign(nil), "12155551212", "12155551299", good, ErrNumbers},
		{"no number", sign(nil), "anonymous", "12155551213", good, ErrNumbers},
		{"no certificate to be had", sign(nil), "12155551212", "12155551213", chains{}, ErrUnreachable},
		{"nobody trusts the signer", sign(nil), "12155551212", "12155551213", chains{x5u: {stranger.issue(t, "x", &key.PublicKey, false)}}, ErrCertificate},
		{"an empty chain", sign(nil), "12155551212", "12155551213", chains{x5u: nil}, ErrCertificate},
		{"another key", sign(func(s *Signer) { s.Key = newKey(t) }), "12155551212", "12155551213", good, ErrSignature},
		{"forged attestation", forged(), "12155551212", "12155551213", good, ErrSignature},
		{"another info", strings.Replace(sign(nil), "info=<https://c", "info=<https://d", 1), "12155551212", "12155551213", good, ErrMalformed},
		{"another algorithm", strings.Replace(sign(nil), "alg=ES256", "alg=none", 1), "12155551212", "12155551213", good, ErrUnsupported},
		{"another kind", strings.Replace(sign(nil), "ppt=shaken", "ppt=div", 1), "12155551212", "12155551213", good, ErrUnsupported},
		{"not https", sign(func(s *Signer) { s.X5U = "http://certificates.example.org/x" }), "12155551212", "12155551213", good, ErrMalformed},
		{"garbage", "garbage", "12155551212", "12155551213", good, ErrMalformed},
		{"the compact form", ".." + strings.Repeat("A", 86) + ";info=<" + x5u + ">", "1", "2", good, ErrMalformed},
	} {
		t.Run(c.name, func(t *testing.T) {
			v := &Verifier{Source: c.source, Roots: pool}
			token, err := v.Verify(t.Context(), c.value, c.from, c.to)
			if !errors.Is(err, c.want) || c.want == nil && err != nil {
				t.Fatalf("%v, wanted %v", err, c.want)
			}
			if err == nil && (token.Attest != Full || token.Orig != "12155551212" || token.OrigID == "") {
				t.Errorf("%+v", token)
			}
		})
	}
	t.Run("an expired certificate", func(t *testing.T) {
		v := &Verifier{Source: good, Roots: pool, Now: func() time.Time { return time.Now().Add(2 * time.Hour) }}
		if _, err := v.Verify(t.Context(), sign(at(2*time.Hour)), "12155551212", "12155551213"); !errors.Is(err, ErrCertificate) {
			t.Errorf("%v", err)
		}
	})
	t.Run("trust of nobody", func(t *testing.T) {
		if _, err := (&Verifier{}).Verify(t.Context(), sign(nil), "12155551212", "12155551213"); !errors.Is(err, ErrCertificate) {
			t.Errorf("%v", err)
		}
	})
}

// The token of RFC 8588 §3 has the members and the order that we write.
func TestTokenIsThatOfRFC8588(t *testing.T) {
	s := &Signer{Key: newKey(t), X5U: "https://cert.example.org/passport.cer", Attest: Full, Now: func() time.Time { return time.Unix(1443208345, 0) }}
	v, err := s.Sign("12155551212", "12155551213", "123e4567-e89b-12d3-a456-426655440000")
	if err != nil {
		t.Fatal(err)
	}
	part := strings.Split(v, ".")
	h, _ := base64.RawURLEncoding.DecodeString(part[0])
	p, _ := base64.RawURLEncoding.DecodeString(part[1])
	if want := `{"alg":"ES256","ppt":"shaken","typ":"passport","x5u":"https://cert.example.org/passport.cer"}`; string(h) != want {
		t.Errorf("header %s\nwanted %s", h, want)
	}
	if want := `{"attest":"A","dest":{"tn":["12155551213"]},"iat":1443208345,"orig":{"tn":"12155551212"},"origid":"123e4567-e89b-12d3-a456-426655440000"}`; string(p) != want {
		t.Errorf("claims %s\nwanted %s", p, want)
	}
}

func TestCache(t *testing.T) {
	root := newAuthority(t)
	var asked atomic.Int64
	release := make(chan struct{})
	c := NewCache(func(_ context.Context, url string, limit int64) ([]byte, error) {
		asked.Add(1)
		<-release
		if limit != MaxChain {
			t.Errorf("limit %d", limit)
		}
		if strings.Contains(url, "bad") {
			return nil, errors.New("404")
		}
		return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: root.cert.Raw}), nil
	})
	var wg sync.WaitGroup
	for range 20 { // one fetch for all
		wg.Go(func() {
			if chain, err := c.Certificates(context.Background(), x5u); err != nil || len(chain) != 1 {
				t.Errorf("%v, %v", chain, err)
			}
		})
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	for asked.Load() == 0 {
		time.Sleep(time.Millisecond)
	}
	if _, err := c.Certificates(ctx, x5u); !errors.Is(err, context.Canceled) {
		t.Errorf("who gives up waits on: %v", err)
	}
	close(release)
	wg.Wait()
	if n := asked.Load(); n != 1 {
		t.Errorf("fetched %d times", n)
	}
	now := time.Now()
	c.now = func() time.Time { return now }
	for range 3 {
		if _, err := c.Certificates(t.Context(), "https://bad"); err == nil {
			t.Error("no error")
		}
	}
	if n := asked.Load(); n != 2 {
		t.Errorf("a failure was tried %d times", n-1)
	}
	now = now.Add(2 * time.Minute)
	_, _ = c.Certificates(t.Context(), "https://bad")
	_, _ = c.Certificates(t.Context(), x5u)
	if n := asked.Load(); n != 3 {
		t.Errorf("after two minutes fetched %d times in all", n)
	}
	for i := range 2 * cacheSize {
		_, _ = c.Certificates(t.Context(), "https://many/"+strings.Repeat("x", i))
	}
	if len(c.known) != cacheSize || c.order.Len() != cacheSize {
		t.Errorf("%d addresses are kept", len(c.known))
	}
}

// More fetches at once than there are slots are refused, not queued.
func TestCacheIsNoWeapon(t *testing.T) {
	block := make(chan struct{})
	c := NewCache(func(context.Context, string, int64) ([]byte, error) { <-block; return nil, errors.New("late") })
	var wg sync.WaitGroup
	for i := range cacheSlots {
		wg.Go(func() { _, _ = c.Certificates(context.Background(), "https://slow/"+string(rune('a'+i))) })
	}
	for len(c.slots) < cacheSlots {
		time.Sleep(time.Millisecond)
	}
	if _, err := c.Certificates(t.Context(), "https://one-more"); !errors.Is(err, errBusy) {
		t.Errorf("%v", err)
	}
	close(block)
	wg.Wait()
}

func TestLoadKeyAndRoots(t *testing.T) {
	root := newAuthority(t)
	der, err := x509.MarshalPKCS8PrivateKey(root.key)
	if err != nil {
		t.Fatal(err)
	}
	k, err := LoadKey(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}))
	if err != nil || !k.Equal(root.key) {
		t.Errorf("%v", err)
	}
	other, _ := ecdsa.GenerateKey(elliptic.P384(), rand.Reader)
	der, _ = x509.MarshalECPrivateKey(other)
	for _, bad := range [][]byte{nil, []byte("x"), pem.EncodeToMemory(&pem.Block{Type: "EC PRIVATE KEY", Bytes: der})} {
		if _, err := LoadKey(bad); err == nil {
			t.Errorf("%.20q is taken for a key", bad)
		}
	}
	dir := t.TempDir()
	if _, err := LoadRoots(dir); err == nil {
		t.Error("an empty trust folder is none")
	}
	if err := os.WriteFile(filepath.Join(dir, "root.pem"), pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: root.cert.Raw}), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := LoadRoots(dir); err != nil {
		t.Error(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "junk.crt"), []byte("junk"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := LoadRoots(dir); err == nil || !strings.Contains(err.Error(), "junk.crt") {
		t.Errorf("%v", err)
	}
}

// Any two numbers that are signed are read back, however they are written.
func TestSignedIsParsed(t *testing.T) {
	key := newKey(t)
	rapid.Check(t, func(t *rapid.T) {
		digits := rapid.StringMatching(`[0-9]{1,15}`)
		from, to := digits.Draw(t, "from"), digits.Draw(t, "to")
		s := &Signer{Key: key, X5U: x5u, Attest: rapid.SampledFrom([]Attestation{Full, Partial, Gateway}).Draw(t, "attest")}
		v, err := s.Sign("+"+from, to, "id")
		if err != nil {
			t.Fatal(err)
		}
		token, err := Parse(v)
		if err != nil || token.Orig != from || token.Dest[0] != to || token.Attest != s.Attest || !token.signedBy(&key.PublicKey) {
			t.Fatalf("%+v, %v", token, err)
		}
	})
}

// FuzzIdentity: whatever comes, nothing that was not signed by the key is taken,
// and what can be read is within its limits.
func FuzzIdentity(f *testing.F) {
	key := newKey(f)
	s := &Signer{Key: key, X5U: x5u, Attest: Partial}
	good, err := s.Sign("12155551212", "12155551213", "id")
	if err != nil {
		f.Fatal(err)
	}
	f.Add(good)
	f.Add(strings.Replace(good, ";", " ; ", 3))
	f.Add("eyJhbGciOiJFUzI1NiIsInBwdCI6InNoYWtlbiIsInR5cCI6InBhc3Nwb3J0IiwieDV1IjoiaHR0cHM6Ly9jZXJ0LmV4YW1wbGUub3JnL3Bhc3Nwb3J0LmNlciJ9.e30.AA;info=<x>;alg=ES256")
	f.Add(`a.b.c;info=<https://x/>;alg=ES256;ppt="shaken"`)
	f.Add(strings.Repeat(".", 5000))
	signed := strings.Split(good, ";")[0]
	f.Fuzz(func(t *testing.T, value string) {
		token, err := Parse(value)
		if err != nil {
			return
		}
		if !goodURL(token.X5U) || len(token.Dest) == 0 || len(token.Dest) > maxNumbers || len(value) > MaxIdentity {
			t.Fatalf("%q gives %+v", value, token)
		}
		if token.signedBy(&key.PublicKey) && !strings.HasPrefix(strings.TrimSpace(value), signed) {
			t.Fatalf("%q is taken for signed", value)
		}
	})
}
