package api

import (
	"bytes"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/alexedwards/argon2id"
	"pgregory.net/rapid"

	"callfloor/contact"
	"callfloor/internal/store"
)

func TestSignIn(t *testing.T) {
	h := newTestHouse(t, nil)
	w := h.want(200, "POST", "/api/v1/session", "", `{"user":"alice","password":"`+goodPassword+`"}`)
	s := decode[NewSession](t, w)
	if s.User != "alice" || s.Role != contact.RoleAgent || s.MustChangePassword {
		t.Errorf("session %+v", s)
	}
	c := w.Result().Cookies()
	if len(c) != 1 || c[0].Name != CookieName || c[0].Value != s.Token || !c[0].HttpOnly || c[0].SameSite != http.SameSiteStrictMode {
		t.Errorf("cookies %v", c)
	}
	if got := decode[Session](t, h.want(200, "GET", "/api/v1/session", s.Token, "")); got.User != "alice" {
		t.Errorf("who: %+v", got)
	}
	h.want(204, "DELETE", "/api/v1/session", s.Token, "")
	h.want(401, "GET", "/api/v1/session", s.Token, "")
	if fmt.Sprint(h.signOuts) != "[alice]" {
		t.Errorf("seats signed out: %v", h.signOuts)
	}
}

// TestSameAnswer: nobody learns from the answer whether a user exists.
func TestSameAnswer(t *testing.T) {
	h := newTestHouse(t, nil)
	if _, err := h.accounts.ChangeUser(t.Context(), "test", "sam", UserChange{Disabled: ptr(true)}); err != nil {
		t.Fatal(err)
	}
	wrong := h.want(401, "POST", "/api/v1/session", "", `{"user":"alice","password":"wrong password"}`)
	for _, body := range []string{
		`{"user":"nobody","password":"wrong password"}`,
		`{"user":"sam","password":"` + goodPassword + `"}`, // disabled
		`{"user":"' OR 1=1 --","password":"x"}`,
		`{"user":"local","password":"x"}`,
		`{"user":"alice","password":"` + strings.Repeat("x", 500) + `"}`,
	} {
		if w := h.want(401, "POST", "/api/v1/session", "", body); w.Body.String() != wrong.Body.String() {
			t.Errorf("%s answers %s, a wrong password %s", body, w.Body, wrong.Body)
		}
	}
	if strings.Contains(h.log.String(), "OR 1=1") {
		t.Error("what was typed as a user name is in the log as it is")
	}
	if !strings.Contains(h.log.String(), "192.0.2.7") {
		t.Error("the address of a failed sign-in is not in the log")
	}
}

func ptr[T any](v T) *T { return &v }

func TestGuessingIsLimited(t *testing.T) {
	h := newTestHouse(t, nil)
	for range guessesPerUser {
		h.want(401, "POST", "/api/v1/session", "", `{"user":"alice","password":"wrong password"}`)
	}
	w := h.want(429, "POST", "/api/v1/session", "", `{"user":"alice","password":"`+goodPassword+`"}`)
	if w.Header().Get("Retry-After") == "" || decode[Error](t, w).Code != contact.Busy {
		t.Errorf("429 without Retry-After or busy: %v %s", w.Header(), w.Body)
	}
	h.signIn("sam") // from the same address
	h.want(200, "POST", "/api/v1/session", "", `{"user":"alice","password":"`+goodPassword+`"}`, func(r *http.Request) { r.RemoteAddr = "192.0.2.8:1" })
	h.want(429, "POST", "/api/v1/session", "", `{"user":"nobody","password":"x"}`, func(r *http.Request) {
		for range guessesPerAddress {
			h.accounts.byAddress.take("192.0.2.9", time.Now())
		}
		r.RemoteAddr = "192.0.2.9:1"
	})
}

// TestGuessesInAnHour is the promise: at most 20 guesses an hour for one
// address and user, and the right password in between costs nothing.
func TestGuessesInAnHour(t *testing.T) {
	l := newLimiter(guessesPerUser, guessEvery)
	start := time.Now()
	allowed := 0
	for at := time.Duration(0); at < time.Hour; at += time.Second {
		if l.take("k", start.Add(at)) == 0 {
			allowed++
		}
	}
	if allowed > 20 {
		t.Errorf("%d guesses in an hour", allowed)
	}
}

func TestLimiterProperties(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		burst := rapid.IntRange(1, 10).Draw(t, "burst")
		l := newLimiter(burst, time.Minute)
		now := time.Unix(0, 0)
		start, taken := now, 0
		for range rapid.IntRange(1, 200).Draw(t, "steps") {
			now = now.Add(time.Duration(rapid.IntRange(0, 90).Draw(t, "s")) * time.Second)
			if wait := l.take("k", now); wait == 0 {
				taken++
			} else if l.take("k", now.Add(wait+time.Millisecond)) != 0 {
				t.Fatalf("still refused after the wait of %s that was told", wait)
			} else {
				now = now.Add(wait + time.Millisecond)
				taken++
			}
		}
		if most := burst + 1 + int(now.Sub(start)/time.Minute); taken > most {
			t.Fatalf("%d taken in %s, at most %d may be", taken, now.Sub(start), most)
		}
	})
}

func TestLimiterIsBounded(t *testing.T) {
	l := newLimiter(3, time.Minute)
	for i := range maxBuckets + 500 {
		l.take(fmt.Sprint(i), time.Now())
	}
	if len(l.buckets) > maxBuckets || l.recent.Len() != len(l.buckets) {
		t.Errorf("%d buckets", len(l.buckets))
	}
}

func TestAddressKey(t *testing.T) {
	for in, want := range map[string]string{
		"192.0.2.7": "192.0.2.7", "::ffff:192.0.2.7": "192.0.2.7", "2001:db8:1:2:3::4": "2001:db8:1:2::/64", "fe80::1%eth0": "fe80::/64",
	} {
		if got := addressKey(netip.MustParseAddr(in)); got != want {
			t.Errorf("addressKey(%s) = %s, want %s", in, got, want)
		}
	}
}

func TestClientAddr(t *testing.T) {
	proxies := []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8")}
	for _, tt := range []struct{ remote, forwarded, want string }{
		{"192.0.2.7:1", "203.0.113.9", "192.0.2.7"}, // no proxy of ours: not believed
		{"10.0.0.1:1", "203.0.113.9", "203.0.113.9"},
		{"10.0.0.1:1", "198.51.100.1, 203.0.113.9, 10.0.0.2", "203.0.113.9"},
		{"10.0.0.1:1", "nonsense", "10.0.0.1"},
		{"10.0.0.1:1", "", "10.0.0.1"},
	} {
		r := httptest.NewRequestWithContext(t.Context(), "GET", "/", nil)
		r.RemoteAddr = tt.remote
		if tt.forwarded != "" {
			r.Header.Set("X-Forwarded-For", tt.forwarded)
		}
		if got := clientAddr(r, proxies).String(); got != tt.want {
			t.Errorf("clientAddr(%s, %q) = %s, want %s", tt.remote, tt.forwarded, got, tt.want)
		}
	}
}

func TestFirstStart(t *testing.T) {
	dir := t.TempDir()
	db, err := store.Open(t.Context(), dir)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	h := newTestHouse(t, nil)
	a, err := NewAccounts(AccountsOptions{Log: h.server.log, DB: db})
	if err != nil {
		t.Fatal(err)
	}
	user, password, err := a.FirstStart(t.Context())
	if err != nil || user != "admin" || len(password) < 16 {
		t.Fatalf("FirstStart = %q, %q, %v", user, password, err)
	}
	if user, password, err := a.FirstStart(t.Context()); user != "" || password != "" || err != nil {
		t.Errorf("a second start made %q, %q, %v", user, password, err)
	}
	_, id, err := a.SignIn(t.Context(), netip.MustParseAddr("192.0.2.7"), "admin", password)
	if err != nil || !id.MustChangePassword || id.Role != contact.RoleAdmin {
		t.Errorf("SignIn = %+v, %v", id, err)
	}
}

func TestPasswordChange(t *testing.T) {
	h := newTestHouse(t, nil)
	root := h.signIn("root")
	h.want(201, "POST", "/api/v1/users", root, `{"user":"new","role":"agent","password":"one-time password"}`)
	h.want(409, "POST", "/api/v1/users", root, `{"user":"new","role":"agent","password":"one-time password"}`)
	signIn := func(password string) string {
		return decode[NewSession](t, h.want(200, "POST", "/api/v1/session", "", `{"user":"new","password":"`+password+`"}`)).Token
	}
	token, other := signIn("one-time password"), signIn("one-time password")
	if e := decode[Error](t, h.want(403, "GET", "/api/v1/calls", token, "")); e.Code != CodePasswordChange {
		t.Errorf("got %+v", e)
	}
	h.want(200, "GET", "/api/v1/info", token, "")
	if s := decode[Session](t, h.want(200, "GET", "/api/v1/session", token, "")); !s.MustChangePassword {
		t.Errorf("session %+v", s)
	}
	h.want(422, "PUT", "/api/v1/password", token, `{"old":"wrong password","new":"a longer password"}`)
	h.want(422, "PUT", "/api/v1/password", token, `{"old":"one-time password","new":"short"}`)
	h.want(422, "PUT", "/api/v1/password", token, `{"old":"one-time password","new":"one-time password"}`)
	h.signOuts = nil
	h.want(204, "PUT", "/api/v1/password", token, `{"old":"one-time password","new":"a longer password"}`)
	kept, err := h.accounts.Authenticate(httptest.NewRequest("GET", "/", nil), token)
	if err != nil || fmt.Sprint(h.signOuts) != "[new "+kept.Session()+"]" || strings.Contains(kept.Session(), token) || time.Until(kept.Ends) < SessionLife-time.Hour {
		t.Errorf("seats that were told: %v, kept %+v, %v", h.signOuts, kept, err)
	}
	h.want(200, "GET", "/api/v1/calls", token, "")
	h.want(401, "GET", "/api/v1/session", other, "")
	h.want(401, "POST", "/api/v1/session", "", `{"user":"new","password":"one-time password"}`)
	signIn("a longer password")
}

func TestUsers(t *testing.T) {
	h := newTestHouse(t, nil)
	root := h.signIn("root")
	var changed []User
	h.accounts.Watch(nil, func(u User) { changed = append(changed, u) })
	for _, body := range []string{
		`{"user":"Bad Name","role":"agent","password":"` + goodPassword + `"}`,
		`{"user":"x","role":"king","password":"` + goodPassword + `"}`,
		`{"user":"x","role":"agent","password":"short"}`,
		`{"user":"local","role":"admin","password":"` + goodPassword + `"}`,
		`{"user":"x","role":"agent","name":"a\u001b[31m","password":"` + goodPassword + `"}`,
	} {
		h.want(422, "POST", "/api/v1/users", root, body)
	}
	alice := h.signIn("alice")
	h.want(200, "PATCH", "/api/v1/users/alice", root, `{"role":"supervisor"}`)
	h.want(401, "GET", "/api/v1/session", alice, "") // a new role is a new session
	if len(changed) != 1 || changed[0].Role != contact.RoleSupervisor || fmt.Sprint(h.signOuts) != "[alice]" {
		t.Errorf("changed %+v, signed out %v", changed, h.signOuts)
	}
	h.want(404, "PATCH", "/api/v1/users/nobody", root, `{"disabled":true}`)
	h.want(409, "PATCH", "/api/v1/users/root", root, `{"role":"agent"}`)
	h.want(409, "PATCH", "/api/v1/users/root", root, `{"disabled":true}`)
	users := decode[[]User](t, h.want(200, "GET", "/api/v1/users", root, ""))
	if len(users) != 3 || users[0].User != "alice" || users[0].Role != contact.RoleSupervisor {
		t.Errorf("users %+v", users)
	}
	names := decode[map[string]string](t, h.want(200, "GET", "/api/v1/names", root, ""))
	if len(names) != 3 || names["alice"] != users[0].Name {
		t.Errorf("names %v of %+v", names, users)
	}
}

func TestSessions(t *testing.T) {
	h := newTestHouse(t, nil)
	token := h.signIn("alice")
	t.Run("OnlyTheHashIsStored", func(t *testing.T) {
		err := filepath.Walk(h.db.Dir(), func(path string, info os.FileInfo, err error) error {
			if err != nil || info.IsDir() {
				return err
			}
			body, err := os.ReadFile(path)
			if bytes.Contains(body, []byte(token)) || bytes.Contains(body, []byte(goodPassword)) {
				t.Errorf("%s holds a token or a password", path)
			}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	})
	t.Run("AtMost", func(t *testing.T) {
		for range maxSessions {
			if _, _, err := h.accounts.newSession(t.Context(), "alice", User{User: "alice", Role: contact.RoleAgent}); err != nil {
				t.Fatal(err)
			}
		}
		h.want(401, "GET", "/api/v1/session", token, "")
	})
	t.Run("Expiry", func(t *testing.T) {
		token := h.signIn("sam")
		err := h.db.Tx(t.Context(), func(tx *store.Tx) error {
			_, err := tx.Exec(`UPDATE api_sessions SET expires = $1 WHERE user = 'sam'`, tx.Now.UnixMilli())
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
		h.want(401, "GET", "/api/v1/session", token, "")
	})
	t.Run("HugeToken", func(t *testing.T) {
		h.want(401, "GET", "/api/v1/session", strings.Repeat(".", 1<<20), "")
	})
}

func TestHasherIsBounded(t *testing.T) {
	h := newTestHouse(t, nil)
	h.accounts.hasher.wait = time.Millisecond
	for range cap(h.accounts.hasher.turn) {
		if err := h.accounts.hasher.enter(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	w := h.want(503, "POST", "/api/v1/session", "", `{"user":"alice","password":"`+goodPassword+`"}`)
	if w.Header().Get("Retry-After") == "" {
		t.Errorf("busy without Retry-After: %s", w.Body)
	}
	for range cap(h.accounts.hasher.turn) {
		h.accounts.hasher.leave()
	}
	h.accounts.hasher.wait = hashWait
	h.signIn("alice") // being busy was no guess
}

// TestDummyHash: comparing with nothing costs what comparing with a hash costs.
func TestDummyHash(t *testing.T) {
	h, err := newHasher()
	if err != nil {
		t.Fatal(err)
	}
	p, _, _, err := argon2id.DecodeHash(h.dummy)
	if err != nil {
		t.Fatal(err)
	}
	if p.Memory != h.params.Memory || p.Iterations != h.params.Iterations || p.Parallelism != h.params.Parallelism || p.KeyLength != h.params.KeyLength {
		t.Errorf("the dummy hash has the parameters %+v, real ones %+v", p, h.params)
	}
	if ok, err := h.matches(t.Context(), goodPassword, ""); ok || err != nil {
		t.Errorf("no hash matches: %t, %v", ok, err)
	}
}

// TestTokenIsNoFlag: a token once began with a dash, and "--token -x" is no
// token for a command line.
func TestTokenIsNoFlag(t *testing.T) {
	for range 200 {
		if token := newToken(); !strings.HasPrefix(token, "cf_") || len(token) != len("cf_")+43 {
			t.Fatalf("token of a strange form, %d long", len(token))
		}
	}
}
