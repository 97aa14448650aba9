package api

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/goleak"

	"callfloor/call"
	"callfloor/contact"
	"callfloor/internal/store"
	"callfloor/internal/store/storetest"
	"callfloor/recordings"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const goodPassword = "correct horse battery"

// goodHash is the hash of goodPassword, made once for all tests.
var goodHash = sync.OnceValue(func() string {
	h, err := newHasher()
	if err != nil {
		panic(err)
	}
	hash, err := h.hash(context.Background(), goodPassword)
	if err != nil {
		panic(err)
	}
	return hash
})

// testCalls is Calls made of two calls, one of them served by alice.
type testCalls struct{ asked call.Query }

var aliceCall, otherCall = contact.NewID(), contact.NewID()

func (c *testCalls) List(_ context.Context, q call.Query) ([]call.Record, error) {
	c.asked = q
	return []call.Record{{ID: contact.NewID(), From: "13812341234"}}, nil
}

func (c *testCalls) TagCounts(_ context.Context, _, _ time.Time, agent contact.AgentID) ([]call.TagCount, error) {
	c.asked = call.Query{Agent: agent}
	return []call.TagCount{{Group: "topic", Tag: "order", Calls: 2}}, nil
}

func (c *testCalls) Messages(_ context.Context, id contact.ID) ([]call.SIPMessage, error) {
	if id != aliceCall {
		return nil, contact.Errorf(contact.NotFound, "there is no call %q", id)
	}
	return []call.SIPMessage{{At: "2026-01-02T15:04:05.000000Z", Leg: "customer", Transport: "UDP", From: "192.0.2.9:5060", To: "192.0.2.1:5060", Text: "BYE sip:x SIP/2.0\r\n\r\n"}}, nil
}

func (c *testCalls) Show(_ context.Context, id contact.ID) (call.Detail, error) {
	alice := contact.AgentID("alice")
	switch id {
	case aliceCall:
		return call.Detail{Record: call.Record{ID: id, Agent: &alice}}, nil
	case otherCall:
		return call.Detail{Record: call.Record{ID: id}}, nil
	}
	return call.Detail{}, contact.Errorf(contact.NotFound, "there is no call %q", id)
}

// testRecordings is Recordings with one recording, "rec1".
type testRecordings struct {
	mu   sync.Mutex
	acts []string
}

func (r *testRecordings) List(context.Context, recordings.Query) ([]recordings.Info, error) {
	return nil, nil
}

func (r *testRecordings) Get(_ context.Context, id string) (recordings.Info, error) {
	if id != "rec1" {
		return recordings.Info{}, contact.Errorf(contact.NotFound, "there is no recording %q", id)
	}
	return recordings.Info{ID: id, Call: aliceCall, State: recordings.StateSealed, Tracks: []recordings.TrackInfo{}}, nil
}

func (r *testRecordings) Audio(context.Context, string) (io.ReadSeeker, error) {
	return strings.NewReader("RIFF0123456789"), nil
}

func (r *testRecordings) Peaks(context.Context, string, int) (recordings.Peaks, error) {
	return recordings.Peaks{}, nil
}

func (r *testRecordings) Verify(_ context.Context, id string) (recordings.Report, error) {
	if id != "rec1" {
		return recordings.Report{}, contact.Errorf(contact.NotFound, "there is no recording %q", id)
	}
	return recordings.Report{ID: id, Entries: 7, Damage: &recordings.Damage{Entry: 3, Why: "changed"}}, nil
}

func (r *testRecordings) act(what string) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.acts = append(r.acts, what)
	return nil
}

func (r *testRecordings) Hold(_ context.Context, id, by, why string) error {
	return r.act("hold " + id + " " + by + " " + why)
}

func (r *testRecordings) Release(_ context.Context, id, by, why string) error {
	return r.act("release " + id + " " + by + " " + why)
}

func (r *testRecordings) Erase(_ context.Context, id, by, why string) error {
	return r.act("erase " + id + " " + by + " " + why)
}

// house is a server under test.
type house struct {
	t        *testing.T
	db       *store.DB
	log      *bytes.Buffer
	accounts *Accounts
	calls    *testCalls
	kept     *testRecordings
	server   *Server
	signOuts []string
	troubles []Trouble
	demoCall []DemoCall
}

// newTestHouse makes a server with the users alice (agent), sam (supervisor) and
// root (admin), all with goodPassword; change may alter the options.
func newTestHouse(t *testing.T, change func(*Options)) *house {
	t.Helper()
	dir := storetest.Folder(t)
	db, err := store.Open(t.Context(), dir)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	h := &house{t: t, db: db, log: &bytes.Buffer{}, calls: &testCalls{}, kept: &testRecordings{}}
	log := slog.New(slog.NewTextHandler(h.log, nil))
	o := Options{
		Log: log, Config: Config{Listen: "127.0.0.1:0"}, Version: "test", DataDir: dir, Audit: NewAudit(db),
		Lines: []Line{{ID: "1000", Name: "Main"}},
		Calls: h.calls, Recordings: h.kept,
		Seats:    http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "seat") }),
		Pages:    http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { page(w, r) }),
		SignOut:  func(user, keep string) { h.signOuts = append(h.signOuts, strings.TrimSpace(user+" "+keep)) },
		Troubles: func(context.Context) []Trouble { return h.troubles },
		Metrics:  prometheus.NewRegistry(),
		DemoCall: func(_ context.Context, c DemoCall) error { h.demoCall = append(h.demoCall, c); return nil },
	}
	if change != nil {
		change(&o)
	}
	accounts := AccountsOptions{Log: log, DB: db}
	if o.Demo {
		accounts.Demo = []Person{{User: "ada", Name: "Ada", Role: contact.RoleAdmin, Password: "demo"}}
	}
	if h.accounts, err = NewAccounts(accounts); err != nil {
		t.Fatal(err)
	}
	o.Accounts = h.accounts
	for user, role := range map[string]contact.Role{"alice": contact.RoleAgent, "sam": contact.RoleSupervisor, "root": contact.RoleAdmin} {
		err := db.Tx(t.Context(), func(tx *store.Tx) error {
			return insertUser(t.Context(), tx, User{User: user, Name: user, Role: role}, goodHash())
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	if h.server, err = New(o); err != nil {
		t.Fatal(err)
	}
	return h
}

func page(w http.ResponseWriter, r *http.Request) {
	if r.URL.Path == "/panic" {
		panic("a bug")
	}
	_, _ = io.WriteString(w, "page")
}

// do sends one request from address 192.0.2.7 and returns the answer.
func (h *house) do(method, path, token, body string, change ...func(*http.Request)) *httptest.ResponseRecorder {
	h.t.Helper()
	r := httptest.NewRequestWithContext(h.t.Context(), method, path, strings.NewReader(body))
	r.RemoteAddr = "192.0.2.7:4711"
	if body != "" {
		r.Header.Set("Content-Type", "application/json")
	}
	if token != "" {
		r.Header.Set("Authorization", "Bearer "+token)
	}
	for _, c := range change {
		c(r)
	}
	w := httptest.NewRecorder()
	h.server.ServeHTTP(w, r)
	return w
}

// want is do with a status that must come.
func (h *house) want(status int, method, path, token, body string, change ...func(*http.Request)) *httptest.ResponseRecorder {
	h.t.Helper()
	w := h.do(method, path, token, body, change...)
	if w.Code != status {
		h.t.Fatalf("%s %s = %d %s, want %d", method, path, w.Code, w.Body, status)
	}
	return w
}

func (h *house) signIn(user string) string {
	h.t.Helper()
	w := h.want(http.StatusOK, "POST", "/api/v1/session", "", `{"user":"`+user+`","password":"`+goodPassword+`"}`)
	return decode[NewSession](h.t, w).Token
}

func decode[T any](t *testing.T, w *httptest.ResponseRecorder) T {
	t.Helper()
	var v T
	if err := json.Unmarshal(w.Body.Bytes(), &v); err != nil {
		t.Fatalf("%v in %s", err, w.Body)
	}
	return v
}
