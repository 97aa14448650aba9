package crm

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"

	"callfloor/contact"
	"callfloor/internal/store"
	"callfloor/internal/store/storetest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"

// server is a Post that notes what it took, in order, and refuses what refuse
// says.
type server struct {
	mu     sync.Mutex
	took   []string // CONTACT EVENT NUMBER
	ids    []string
	tries  int
	refuse func(m Message) (Answer, error)
}

func (s *server) post(_ context.Context, _ string, h http.Header, body []byte) (Answer, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.tries++
	var m Message
	if err := json.Unmarshal(body, &m); err != nil {
		return Answer{}, err
	}
	if s.refuse != nil {
		if a, err := s.refuse(m); err != nil || a.Status != 200 {
			return a, err
		}
	}
	s.took = append(s.took, fmt.Sprint(m.Type, " ", m.Data))
	s.ids = append(s.ids, h.Get("Webhook-Id"))
	return Answer{Status: 200}, nil
}

func (s *server) has() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.took)
}

// box runs f with an outbox in a bubble of time, so that a day of tries takes
// none.
func box(t *testing.T, hooks []Webhook, s *server, f func(o *Outbox)) {
	t.Helper()
	dir := storetest.Folder(t)
	synctest.Test(t, func(t *testing.T) {
		db, err := store.Open(context.Background(), dir)
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = db.Close() }()
		o := open(t, db, hooks, s)
		defer func() { o.Close() }()
		f(o)
	})
}

func open(t *testing.T, db *store.DB, hooks []Webhook, s *server) *Outbox {
	t.Helper()
	o, err := New(db, slog.New(slog.DiscardHandler), Config{Webhooks: hooks}, s.post)
	if err != nil {
		t.Fatal(err)
	}
	o.Start()
	return o
}

func happens(t *testing.T, o *Outbox, id contact.ID, k contact.Kind) {
	t.Helper()
	err := o.db.Tx(context.Background(), func(tx *store.Tx) error {
		return o.Add(tx, id, k, tx.Now, func(numbers bool) any { return fmt.Sprint(id, " ", numbers) })
	})
	if err != nil {
		t.Fatal(err)
	}
	o.Committed()
}

// Each webhook is told what it wants, with numbers where it may have them.
func TestToldWhatIsWanted(t *testing.T) {
	s := &server{}
	hooks := []Webhook{{Name: "a", Secret: secret}, {Name: "b", Secret: secret, Numbers: true, Events: []contact.Kind{contact.KindHold}}}
	box(t, hooks, s, func(o *Outbox) {
		for _, k := range []contact.Kind{contact.KindOffer, contact.KindHold, contact.KindSIP, contact.KindEnd} {
			happens(t, o, "c1", k)
		}
		time.Sleep(time.Second)
		got := s.has()
		slices.Sort(got)
		if want := []string{"end c1 false", "hold c1 true", "offer c1 false"}; !slices.Equal(got, want) {
			t.Errorf("told %q, want %q", got, want)
		}
		if o.Wants(contact.KindSIP) || !o.Wants(contact.KindHold) {
			t.Error("it wants what no webhook does, or not what one does")
		}
		if list, err := o.Status(context.Background()); err != nil || len(list) != 2 || list[0].Waiting+list[1].Waiting+list[0].Dead != 0 || len(list[0].Events) != 4 {
			t.Errorf("%+v %v", list, err)
		}
	})
}

// A contact's events arrive in their order, though one of them is refused for
// hours; another contact's do not wait for them.
func TestOrderOfAContact(t *testing.T) {
	var mu sync.Mutex
	down := true
	s := &server{refuse: func(m Message) (Answer, error) {
		mu.Lock()
		defer mu.Unlock()
		if down && m.Type == contact.KindOffer && strings.HasPrefix(m.Data.(string), "c1") {
			return Answer{Status: 503, RetryAfter: time.Minute}, nil
		}
		return Answer{Status: 200}, nil
	}}
	box(t, []Webhook{{Name: "a", Secret: secret}}, s, func(o *Outbox) {
		for _, k := range []contact.Kind{contact.KindOffer, contact.KindAnswer, contact.KindEnd} {
			happens(t, o, "c1", k)
			happens(t, o, "c2", k)
		}
		time.Sleep(2 * time.Hour)
		if got := s.has(); !slices.Equal(got, []string{"offer c2 false", "answer c2 false", "end c2 false"}) {
			t.Errorf("told %q", got)
		}
		mu.Lock()
		down = false
		mu.Unlock()
		time.Sleep(12 * time.Hour)
		if got := s.has()[3:]; !slices.Equal(got, []string{"offer c1 false", "answer c1 false", "end c1 false"}) {
			t.Errorf("told %q", got)
		}
	})
}

// What a server refuses for a day is dead and can be sent again, under the same
// ID; until then it is tried ever more seldom.
func TestDeadAndAgain(t *testing.T) {
	var mu sync.Mutex
	err := errors.New("the server cannot be reached")
	s := &server{refuse: func(Message) (Answer, error) {
		mu.Lock()
		defer mu.Unlock()
		return Answer{Status: 200}, err
	}}
	box(t, []Webhook{{Name: "a", Secret: secret}}, s, func(o *Outbox) {
		ctx := context.Background()
		happens(t, o, "c1", contact.KindEnd)
		time.Sleep(48 * time.Hour)
		dead, e := o.Deliveries(ctx, "a", Dead, 10)
		if e != nil || len(dead) != 1 || dead[0].Tries != len(schedule())+1 || dead[0].Error != err.Error() || s.tries != dead[0].Tries {
			t.Fatalf("after two days: %+v %v, %d tries", dead, e, s.tries)
		}
		mu.Lock()
		err = nil
		mu.Unlock()
		if _, e := o.Again(ctx, "b", dead[0].ID); contact.ErrorCode(e) != contact.NotFound {
			t.Errorf("another webhook's: %v", e)
		}
		if n, e := o.Again(ctx, "a", dead[0].ID); e != nil || n != 1 {
			t.Fatalf("again: %d %v", n, e)
		}
		time.Sleep(time.Minute)
		if len(s.has()) != 1 || s.ids[0] != dead[0].ID {
			t.Errorf("it arrived as %q, want %q", s.ids, dead[0].ID)
		}
		for _, id := range []string{"", "msg_x"} {
			if _, e := o.Again(ctx, "a", id); contact.ErrorCode(e) != contact.NotFound {
				t.Errorf("nothing to send again: %v", e)
			}
		}
		if list, _ := o.Deliveries(ctx, "a", "", 10); len(list) != 1 || list[0].State != Delivered || len(list[0].body) != 0 {
			t.Errorf("%+v", list)
		}
		if e := o.Test(ctx, "a", "ada"); e != nil {
			t.Error(e)
		}
		if e := o.Test(ctx, "x", "ada"); contact.ErrorCode(e) != contact.NotFound {
			t.Errorf("a test of no webhook: %v", e)
		}
		time.Sleep(time.Minute)
		if got := s.has(); len(got) != 2 || got[1] != "test map[by:ada]" {
			t.Errorf("told %q", got)
		}
	})
}

// What waited when the server stopped is sent by the next one.
func TestOutboxSurvives(t *testing.T) {
	s := &server{refuse: func(Message) (Answer, error) { return Answer{}, errors.New("down") }}
	hooks := []Webhook{{Name: "a", Secret: secret}}
	box(t, hooks, s, func(o *Outbox) {
		happens(t, o, "c1", contact.KindEnd)
		time.Sleep(time.Minute)
		o.Close()
		next := &server{}
		o2 := open(t, o.db, hooks, next)
		defer o2.Close()
		time.Sleep(time.Hour)
		if got := next.has(); !slices.Equal(got, []string{"end c1 false"}) {
			t.Errorf("told %q", got)
		}
	})
}

// A try that our stopping cuts off counts for nothing, though it was the last one.
func TestStoppingIsNoFailure(t *testing.T) {
	s := &server{refuse: func(Message) (Answer, error) { return Answer{}, errors.New("down") }}
	var hang atomic.Bool
	hooks := []Webhook{{Name: "a", Secret: secret}}
	box(t, hooks, s, func(o *Outbox) {
		ctx := context.Background()
		answer := o.post
		o.post = func(ctx context.Context, url string, h http.Header, body []byte) (Answer, error) {
			if hang.Load() {
				<-ctx.Done()
				return Answer{}, ctx.Err()
			}
			return answer(ctx, url, h, body)
		}
		happens(t, o, "c1", contact.KindEnd)
		last := func() Delivery {
			list, err := o.Deliveries(ctx, "a", "", 1)
			if err != nil || len(list) != 1 {
				t.Fatal(list, err)
			}
			return list[0]
		}
		for last().Tries < len(schedule()) {
			time.Sleep(time.Minute)
			synctest.Wait()
		}
		hang.Store(true)
		time.Sleep(time.Until(*last().Next) + time.Second)
		o.Close()
		if d := last(); d.State != Waiting || d.Tries != len(schedule()) {
			t.Errorf("%+v", d)
		}
	})
}

// What is older than a month goes, that of webhooks which are configured no longer
// too; what is younger waits for them to be back.
func TestOldOnesGo(t *testing.T) {
	box(t, nil, &server{}, func(o *Outbox) {
		err := o.db.Tx(context.Background(), func(tx *store.Tx) error {
			_, err := add(tx, "gone", "c1", contact.KindEnd, []byte("{}"))
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
		for _, want := range []int{1, 0} {
			time.Sleep(keepFor - sweepEvery)
			synctest.Wait()
			if waiting, _, _, err := counts(context.Background(), o.db, "gone"); err != nil || waiting != want {
				t.Errorf("%d are left, want %d (%v)", waiting, want, err)
			}
		}
	})
}

// A webhook is silent while it takes nothing at all, not for one event that it
// does not want.
func TestSilent(t *testing.T) {
	var mu sync.Mutex
	all := false
	s := &server{refuse: func(m Message) (Answer, error) {
		mu.Lock()
		defer mu.Unlock()
		if all || strings.HasPrefix(m.Data.(string), "c1") {
			return Answer{Status: 400}, nil
		}
		return Answer{Status: 200}, nil
	}}
	box(t, []Webhook{{Name: "a", Secret: secret}}, s, func(o *Outbox) {
		silent := func() time.Duration {
			t.Helper()
			list, err := o.Status(context.Background())
			if err != nil {
				t.Fatal(err)
			}
			return list[0].Silent(time.Now()).Round(time.Minute)
		}
		time.Sleep(time.Hour)
		if got := silent(); got != 0 {
			t.Errorf("with nothing to take %v", got)
		}
		happens(t, o, "c1", contact.KindEnd)
		time.Sleep(time.Hour)
		if got := silent(); got != time.Hour {
			t.Errorf("one refused for an hour, nothing else to take: %v", got)
		}
		happens(t, o, "c2", contact.KindEnd)
		time.Sleep(time.Minute)
		if got := silent(); got != time.Minute {
			t.Errorf("a minute after it took another one: %v", got)
		}
		mu.Lock()
		all = true
		mu.Unlock()
		happens(t, o, "c3", contact.KindEnd)
		time.Sleep(time.Hour)
		if got := silent(); got != time.Hour+time.Minute {
			t.Errorf("an hour after it began to refuse all: %v", got)
		}
	})
}

// A full outbox loses the newest and says so.
func TestOutboxIsBounded(t *testing.T) {
	s := &server{}
	box(t, []Webhook{{Name: "a", Secret: secret}}, s, func(o *Outbox) {
		o.Close()
		err := o.db.Tx(context.Background(), func(tx *store.Tx) error {
			_, err := tx.Exec(`WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < $1)
				INSERT INTO crm_deliveries (id, webhook, contact, event, body, state, tries, made, next, status, took, error)
				SELECT 'x' || i, 'a', 'c', 'end', '{}', 'waiting', 0, 0, 0, 0, 0, '' FROM n`, maxWaiting)
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
		happens(t, o, "c1", contact.KindEnd)
		if waiting, _, _, err := counts(context.Background(), o.db, "a"); err != nil || waiting != maxWaiting {
			t.Errorf("%d wait, %v", waiting, err)
		}
	})
}

// The signature is that of Standard Webhooks.
func TestSign(t *testing.T) {
	key, err := Webhook{Secret: secret}.key()
	if err != nil {
		t.Fatal(err)
	}
	body := []byte(`{"test": 2432232314}`)
	h := sign(key, "msg_p5jXN8AQM9LWM0D4loKWxJek", time.Unix(1614265330, 999), body)
	raw, _ := base64.StdEncoding.DecodeString("MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")
	mac := hmac.New(sha256.New, raw)
	mac.Write([]byte(`msg_p5jXN8AQM9LWM0D4loKWxJek.1614265330.{"test": 2432232314}`))
	if want := "v1," + base64.StdEncoding.EncodeToString(mac.Sum(nil)); h.Get("webhook-signature") != want || h.Get("webhook-timestamp") != "1614265330" {
		t.Errorf("%v, want %s", h, want)
	}
}

func TestConfigRefused(t *testing.T) {
	private := []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}
	good := Webhook{Name: "a", URL: "https://x.example/y", Secret: secret}
	for want, change := range map[string]func(w *Webhook){
		"":                    func(*Webhook) {},
		"cannot name":         func(w *Webhook) { w.Name = "A b" },
		"no address":          func(w *Webhook) { w.URL = "ftp://x" },
		"is no address":       func(w *Webhook) { w.URL = "https://u:p@x" },
		"it is not https":     func(w *Webhook) { w.URL = "http://10.0.0.1/" },
		"no secret":           func(w *Webhook) { w.Secret = "whsec_c2hvcnQ=" },
		"no event is called":  func(w *Webhook) { w.Events = []contact.Kind{contact.KindSIP} },
		"not https; plain ht": func(w *Webhook) { w.URL = "http://crm.example.org/" },
	} {
		w := good
		change(&w)
		got := Config{Webhooks: []Webhook{w}}.Problems(private)
		if want == "" && len(got) > 0 || want != "" && (len(got) != 1 || !strings.Contains(got[0].Message, want) || strings.Contains(got[0].Message, "c2hvcnQ")) {
			t.Errorf("%+v, want %q", got, want)
		}
	}
	if got := (Config{Webhooks: []Webhook{good, good}}).Problems(private); len(got) != 1 || got[0].Key != "webhooks[1].name" {
		t.Errorf("two of a name: %+v", got)
	}
	good.URL = "http://127.0.0.1:99/x"
	if got := (Config{Webhooks: []Webhook{good}}).Problems(private); got != nil {
		t.Errorf("to an address of the house: %+v", got)
	}
}
