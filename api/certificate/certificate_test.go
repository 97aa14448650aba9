package certificate

import (
	"crypto/tls"
	"crypto/x509"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

var quiet = slog.New(slog.DiscardHandler)

func mustNew(t *testing.T, dir string, c Config) *Source {
	t.Helper()
	s, err := New(dir, c, quiet)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// A client that trusts the own authority connects by every name and address,
// and goes on doing so when the server starts again.
func TestOwnAuthority(t *testing.T) {
	dir := t.TempDir()
	first := mustNew(t, dir, Config{Names: []string{"calls.lan", "10.9.8.7"}})
	root, own := first.Root()
	if !own {
		t.Fatal("there is no own authority")
	}
	again := mustNew(t, dir, Config{Names: []string{"calls.lan", "10.9.8.7"}})
	if second, _ := again.Root(); string(second) != string(root) {
		t.Fatal("people would have to install the certificate at each start")
	}
	cert, err := x509.ParseCertificate(root)
	if err != nil {
		t.Fatal(err)
	}
	pool := x509.NewCertPool()
	pool.AddCert(cert)
	l, err := tls.Listen("tcp", "127.0.0.1:0", again.TLS())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = l.Close() }()
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			_ = c.(*tls.Conn).Handshake()
			_ = c.Close()
		}
	}()
	for _, name := range []string{"127.0.0.1", "localhost", "calls.lan", "10.9.8.7"} {
		c, err := tls.Dial("tcp", l.Addr().String(), &tls.Config{RootCAs: pool, ServerName: name})
		if err != nil {
			t.Errorf("by %s: %v", name, err)
			continue
		}
		_ = c.Close()
	}
	if c, err := tls.Dial("tcp", l.Addr().String(), &tls.Config{RootCAs: pool, ServerName: "bank.example.org"}); err == nil {
		_ = c.Close()
		t.Error("the certificate names others")
	}
	for _, name := range []string{"authority.key", "authority.crt"} {
		if i, err := os.Stat(filepath.Join(dir, name)); err != nil || i.Mode().Perm() != 0o600 {
			t.Errorf("%s: %v, %v", name, i.Mode(), err)
		}
	}
}

// A certificate that is about to end is replaced; so is one that does not name
// the address at which somebody has come.
func TestOwnAuthorityRenews(t *testing.T) {
	a := mustNew(t, t.TempDir(), Config{}).authority
	old, err := a.sign(time.Now().AddDate(0, 0, -leafDays+20))
	if err != nil {
		t.Fatal(err)
	}
	a.leaf = old
	now, err := a.get(nil)
	if err != nil || now == old {
		t.Errorf("a certificate with 20 days left stays (%v)", err)
	}
	same, _ := a.get(nil)
	if same != now {
		t.Error("every handshake signs anew")
	}
	hello := &tls.ClientHelloInfo{Conn: at{net.ParseIP("10.1.2.3")}}
	moved, err := a.get(hello)
	if err != nil || moved.Leaf.VerifyHostname("10.1.2.3") != nil {
		t.Errorf("at a new address the certificate is for others (%v)", err)
	}
	if stays, _ := a.get(hello); stays != moved {
		t.Error("every handshake at that address signs anew")
	}
	if moved.Leaf.NotAfter.Sub(time.Now()) > 398*24*time.Hour {
		t.Error("browsers refuse so long a life")
	}
}

// at is a connection that came at an address.
type at struct{ ip net.IP }

func (a at) LocalAddr() net.Addr              { return &net.TCPAddr{IP: a.ip, Port: 443} }
func (at) RemoteAddr() net.Addr               { return nil }
func (at) Read([]byte) (int, error)           { return 0, nil }
func (at) Write([]byte) (int, error)          { return 0, nil }
func (at) Close() error                       { return nil }
func (at) SetDeadline(time.Time) error        { return nil }
func (at) SetReadDeadline(t time.Time) error  { return nil }
func (at) SetWriteDeadline(t time.Time) error { return nil }

// Files that somebody renews are read again; a broken one changes nothing.
func TestFilesAreReadAgain(t *testing.T) {
	dir := t.TempDir()
	cert, key := filepath.Join(dir, "c.pem"), filepath.Join(dir, "k.pem")
	if err := makeRoot(dir, cert, key, time.Now()); err != nil {
		t.Fatal(err)
	}
	s := mustNew(t, dir, Config{Certificate: cert, Key: key})
	old, err := s.files.get(nil)
	if err != nil {
		t.Fatal(err)
	}
	change := func(do func()) *tls.Certificate {
		do()
		later := s.files.changed.Add(time.Minute)
		for _, f := range []string{cert, key} {
			if err := os.Chtimes(f, later, later); err != nil {
				t.Fatal(err)
			}
		}
		s.files.looked = time.Time{}
		c, err := s.files.get(nil)
		if err != nil {
			t.Fatal(err)
		}
		return c
	}
	if c := change(func() { _ = os.WriteFile(cert, []byte("half"), 0o600) }); c != old {
		t.Error("a broken file is used")
	}
	if c := change(func() { _ = makeRoot(dir, cert, key, time.Now()) }); c == old {
		t.Error("a new file is not read")
	}
	if _, err := New(dir, Config{Certificate: filepath.Join(dir, "none.pem"), Key: key}, quiet); err == nil || !strings.Contains(err.Error(), "none.pem") {
		t.Errorf("a file that is not there: %v", err)
	}
}

func TestConfigRefused(t *testing.T) {
	for want, c := range map[string]Config{
		"certificate and key": {Certificate: "a"},
		"either the file":     {Certificate: "a", Key: "b", ACME: ACME{Domains: []string{"a.example.org"}}},
		"no public name":      {ACME: ACME{Domains: []string{"10.0.0.1"}}},
		"\"calls\"":           {ACME: ACME{Domains: []string{"calls"}}},
		"https address":       {ACME: ACME{Directory: "http://x"}},
		"neither a name":      {Names: []string{"a b"}},
	} {
		if err := c.Validate(); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%+v: %v, want %q in it", c, err, want)
		}
	}
}

// The page begins with the language that the browser wants.
func TestPageLanguage(t *testing.T) {
	pages := mustNew(t, t.TempDir(), Config{}).Pages(func(*http.Request) string { return "https://calls.lan/" })
	for accept, want := range map[string]string{
		"":                           "en",
		"en-GB,en;q=0.9,zh;q=0.8":    "en",
		"zh-CN,zh;q=0.9,en;q=0.8":    "zh-CN",
		"de-DE,de;q=0.9,zh-TW;q=0.3": "zh-CN",
	} {
		w, r := httptest.NewRecorder(), httptest.NewRequest(http.MethodGet, PagePath, nil)
		r.Header.Set("Accept-Language", accept)
		pages.ServeHTTP(w, r)
		first := strings.Index(w.Body.String(), `<section lang="`)
		if got := w.Body.String()[first:]; !strings.HasPrefix(got, `<section lang="`+want+`"`) {
			t.Errorf("%q: the page begins with %.30s, want %s", accept, got, want)
		}
	}
}

// The page shows the fingerprint and gives the certificate, in both languages.
func TestPage(t *testing.T) {
	s := mustNew(t, t.TempDir(), Config{})
	pages := s.Pages(func(*http.Request) string { return "https://calls.lan:8443/" })
	get := func(path string) *httptest.ResponseRecorder {
		w := httptest.NewRecorder()
		pages.ServeHTTP(w, httptest.NewRequest(http.MethodGet, path, nil))
		return w
	}
	html := strings.ReplaceAll(get(PagePath).Body.String(), "<wbr>", "")
	for _, want := range []string{s.Fingerprint(), "https://calls.lan:8443/", "安装", "Firefox", RootPath} {
		if !strings.Contains(html, want) {
			t.Errorf("the page has no %q", want)
		}
	}
	root, _ := s.Root()
	if w := get(RootPath); w.Body.String() != string(root) || w.Header().Get("Content-Type") != "application/x-x509-ca-cert" {
		t.Errorf("the certificate is %d octets of %s", w.Body.Len(), w.Header().Get("Content-Type"))
	}
	if strings.Contains(html, "style=") || strings.Contains(html, "<script") {
		t.Error("the content policy forbids what is on the page")
	}
}
