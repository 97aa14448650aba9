package certificate

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"io"
	"math/big"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/crypto/acme"
)

// outside is an ACME authority (RFC 8555) that asks by HTTP and signs what it
// finds answered.
type outside struct {
	*httptest.Server
	t    *testing.T
	key  *ecdsa.PrivateKey
	root *x509.Certificate
	ask  func(path string) string // fetches from the server that wants a certificate

	mu     sync.Mutex
	proved bool
	chain  []byte
}

func newOutside(t *testing.T) *outside {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour), IsCA: true, BasicConstraintsValid: true}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	o := &outside{t: t, key: key}
	if o.root, err = x509.ParseCertificate(der); err != nil {
		t.Fatal(err)
	}
	o.Server = httptest.NewTLSServer(http.HandlerFunc(o.serve))
	t.Cleanup(o.Close)
	return o
}

// payload is what a signed request says; the signature is not what is tested.
func payload(r *http.Request) []byte {
	var jws struct{ Payload string }
	body, _ := io.ReadAll(r.Body)
	_ = json.Unmarshal(body, &jws)
	b, _ := base64.RawURLEncoding.DecodeString(jws.Payload)
	return b
}

func (o *outside) serve(w http.ResponseWriter, r *http.Request) {
	o.mu.Lock()
	defer o.mu.Unlock()
	w.Header().Set("Replay-Nonce", fmt.Sprint(time.Now().UnixNano()))
	status := map[bool]string{false: "pending", true: "valid"}[o.proved]
	order := map[string]any{
		"status": map[bool]string{false: "pending", true: "ready"}[o.proved], "authorizations": []string{o.URL + "/authz"},
		"identifiers": []any{map[string]string{"type": "dns", "value": "calls.example.org"}}, "finalize": o.URL + "/finalize",
	}
	if o.chain != nil {
		order["status"], order["certificate"] = "valid", o.URL+"/cert"
	}
	challenge := map[string]any{"type": "http-01", "url": o.URL + "/challenge", "token": "tok", "status": status}
	var answer any
	switch r.URL.Path {
	case "/dir":
		answer = map[string]string{"newNonce": o.URL + "/nonce", "newAccount": o.URL + "/account", "newOrder": o.URL + "/order"}
	case "/nonce":
		return
	case "/account":
		w.Header().Set("Location", o.URL+"/account/1")
		w.WriteHeader(http.StatusCreated)
		answer = map[string]string{"status": "valid"}
	case "/order", "/order/1":
		w.Header().Set("Location", o.URL+"/order/1")
		if r.URL.Path == "/order" {
			w.WriteHeader(http.StatusCreated)
		}
		answer = order
	case "/authz":
		answer = map[string]any{"status": status, "identifier": map[string]string{"type": "dns", "value": "calls.example.org"}, "challenges": []any{challenge}}
	case "/challenge":
		o.proved = strings.HasPrefix(o.ask("/.well-known/acme-challenge/tok"), "tok.")
		answer = challenge
	case "/finalize":
		var in struct{ CSR string }
		_ = json.Unmarshal(payload(r), &in)
		o.sign(in.CSR)
		order["status"], order["certificate"] = "valid", o.URL+"/cert"
		w.Header().Set("Location", o.URL+"/order/1")
		answer = order
	case "/cert":
		w.Header().Set("Content-Type", "application/pem-certificate-chain")
		_, _ = w.Write(o.chain)
		return
	default:
		http.NotFound(w, r)
		return
	}
	_ = json.NewEncoder(w).Encode(answer)
}

func (o *outside) sign(csr string) {
	der, err := base64.RawURLEncoding.DecodeString(csr)
	if err != nil {
		o.t.Error(err)
		return
	}
	req, err := x509.ParseCertificateRequest(der)
	if err != nil {
		o.t.Error(err)
		return
	}
	leaf, err := x509.CreateCertificate(rand.Reader, &x509.Certificate{
		SerialNumber: big.NewInt(2), NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().AddDate(0, 0, 90), DNSNames: req.DNSNames,
	}, o.root, req.PublicKey, o.key)
	if err != nil {
		o.t.Error(err)
		return
	}
	o.chain = append(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: leaf}), pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: o.root.Raw})...)
}

// The first browser that comes by a public name gets a certificate of an
// outside authority, which has asked for the proof over plain HTTP.
func TestACME(t *testing.T) {
	authority := newOutside(t)
	s := mustNew(t, t.TempDir(), Config{ACME: ACME{Domains: []string{"calls.example.org"}, Directory: authority.URL + "/dir"}})
	s.acme.Client.HTTPClient = authority.Client()
	plain := s.Plain(http.NotFoundHandler())
	authority.ask = func(path string) string {
		w := httptest.NewRecorder()
		r := httptest.NewRequest(http.MethodGet, path, nil)
		r.Host = "calls.example.org"
		plain.ServeHTTP(w, r)
		return w.Body.String()
	}
	config := s.TLS()
	hello := &tls.ClientHelloInfo{ServerName: "calls.example.org", SupportedProtos: []string{"http/1.1"}, CipherSuites: []uint16{tls.TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256}, SupportedCurves: []tls.CurveID{tls.CurveP256}, SignatureSchemes: []tls.SignatureScheme{tls.ECDSAWithP256AndSHA256}}
	cert, err := config.GetCertificate(hello)
	if err != nil {
		t.Fatal(err)
	}
	if cert.Leaf.VerifyHostname("calls.example.org") != nil {
		t.Errorf("the certificate is for %v", cert.Leaf.DNSNames)
	}
	hello.ServerName = "other.example.org"
	if _, err := config.GetCertificate(hello); err == nil {
		t.Error("a name that is not ours was asked for")
	}
	if got := config.NextProtos[len(config.NextProtos)-1]; got != acme.ALPNProto {
		t.Errorf("the authority cannot ask over TLS: %v", config.NextProtos)
	}
}
