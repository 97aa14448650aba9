package web

import (
	"net/http"
	"net/http/httptest"
	"strconv"
	"testing"
	"testing/synctest"
	"time"

	"callfloor/contact"
)

func TestTabs(t *testing.T) {
	inBubble(t, func(t *testing.T, b *bubble) {
		one := b.hello(Hello{Tab: "one"})
		if !one.isPhone() {
			t.Fatal("the first tab is not the phone")
		}
		two := b.hello(Hello{Tab: "two"})
		if two.isPhone() || !one.isPhone() {
			t.Fatal("the second tab took the phone without asking")
		}
		b.house.want(t, "up")

		two.send(Hello{Type: TypeHello, Tab: "two", TakeOver: true})
		if !two.isPhone() || one.isPhone() {
			t.Fatal("the second tab could not take over")
		}
		b.house.want(t, "up")

		// The old phone's offers and reports do not count any more.
		one.send(SDP{Type: TypeOffer, SDP: offerHead + audio("sendrecv"), Peer: 1})
		one.send(MediaReport{Type: TypeMedia, Microphone: "denied"})
		synctest.Wait()
		seat, _ := b.server.Seat("alice")
		if seat.peer != nil || seat.microphone != "" {
			t.Error("a tab that is not the phone has media")
		}

		// The phone closes: the other tab stays what it is, a new one is the phone.
		_ = two.conn.Close()
		b.house.want(t, "down")
		if one.isPhone() || seat.Online() {
			t.Error("the phone went to a tab that did not ask")
		}
		three := b.hello(Hello{Tab: "three"})
		if !three.isPhone() {
			t.Error("a new tab is not the phone though none is")
		}
		b.house.want(t, "up")
		four := b.hello(Hello{Tab: "four", TakeOver: true})
		if !four.isPhone() || three.isPhone() {
			t.Error("a new tab could not take over in its hello")
		}
		b.house.want(t, "up")
	})
}

// A reload stays the phone and pushes its own old socket out, which the server
// may believe alive.
func TestReload(t *testing.T) {
	inBubble(t, func(t *testing.T, b *bubble) {
		old := b.hello(Hello{Tab: "one"})
		seat, _ := b.server.Seat("alice")
		seat.Put("call", "x")
		page := b.hello(Hello{Tab: "one"})
		if !page.isPhone() {
			t.Error("after a reload the tab is not the phone")
		}
		if bye := old.last(TypeBye); bye == nil || bye["reconnect"] != false {
			t.Errorf("the old page was told %v; it must not come back and push the new one out", bye)
		}
		if s := page.last(TypeSnapshot); s == nil || s["doc"].(map[string]any)["call"] != "x" {
			t.Errorf("snapshot %v", s)
		}
		b.house.want(t, "up", "up")
		time.Sleep(2 * closeWithin)
		b.house.want(t) // the old socket's end is no news
		if !seat.Online() {
			t.Error("offline after the old socket's end")
		}
	})
}

// A page that only lost its socket gets what it missed.
func TestResumeBySocket(t *testing.T) {
	inBubble(t, func(t *testing.T, b *bubble) {
		k := b.hello(Hello{Tab: "one"})
		seat, _ := b.server.Seat("alice")
		epoch := k.last(TypeWelcome)["epoch"].(string)
		seat.Put("a", 1)
		if k.last(TypeChange)["seq"] != float64(1) {
			t.Fatal("no change")
		}
		_ = k.conn.Close()
		b.house.want(t, "up", "down")
		seat.Put("a", 2)
		seat.Drop("a")
		page := seat.page
		again := b.hello(Hello{Tab: "one", Epoch: epoch, Seq: 1})
		if again.last(TypeSnapshot) != nil || again.count(TypeChange) != 2 {
			t.Errorf("%d changes, snapshot %v", again.count(TypeChange), again.last(TypeSnapshot))
		}
		if seat.page != page {
			t.Error("the same page counts as another one")
		}
	})
}

func TestTooManyTabs(t *testing.T) {
	inBubble(t, func(t *testing.T, b *bubble) {
		for i := range DefaultConfig().MaxTabs {
			b.hello(Hello{Tab: strconv.Itoa(i)})
		}
		k := b.hello(Hello{Tab: "one more"})
		if bye := k.last(TypeBye); bye == nil || bye["code"] != "conflict" || bye["reconnect"] != false {
			t.Errorf("bye %v", bye)
		}
		same := b.hello(Hello{Tab: "0"})
		if same.last(TypeBye) != nil || !same.isPhone() {
			t.Error("a reload was refused because of its own old socket")
		}
	})
}

func TestSignOut(t *testing.T) {
	inBubble(t, func(t *testing.T, b *bubble) {
		one, two := b.hello(Hello{Tab: "one"}), b.hello(Hello{Tab: "two"})
		b.house.want(t, "up")
		seat, _ := b.server.Seat("alice")
		b.server.SignOut("alice")
		b.server.SignOut("nobody")
		for _, k := range []*tab{one, two} {
			if bye := k.last(TypeBye); bye == nil || bye["code"] != "unauthorized" || bye["reconnect"] != false {
				t.Errorf("bye %v", bye)
			}
		}
		b.house.want(t, "down")
		time.Sleep(2 * closeWithin)
		b.house.want(t)
		if _, ok := b.server.Seat("alice"); ok || seat.Online() {
			t.Error("the seat is still there")
		}
		b.hello(Hello{Tab: "one"})
		if again, _ := b.server.Seat("alice"); again == seat {
			t.Error("a new sign-in got the old seat")
		}
	})
}

// A password that was changed in one browser closes the tabs of the others, and
// ends what they hear; the browser that it was changed in goes on.
func TestSignOutOthers(t *testing.T) {
	inBubble(t, func(t *testing.T, b *bubble) {
		left, mine := b.hello(Hello{Tab: "left", Token: "alice/b"}), b.hello(Hello{Tab: "mine", Token: "alice/a"})
		second := b.hello(Hello{Tab: "second", Token: "alice/a"})
		left.send(MediaReport{Type: TypeMedia, Microphone: "ok"})
		b.connect(left, 1)
		time.Sleep(2 * time.Second)
		b.house.want(t, "up", "ready")
		b.server.SignOutOthers("nobody", "a")
		b.server.SignOutOthers("alice", "a")
		seat, _ := b.server.Seat("alice")
		if seat.peer != nil {
			t.Error("the browser that was left behind hears on")
		}
		if bye := left.last(TypeBye); bye == nil || bye["code"] != "unauthorized" || bye["reconnect"] != false {
			t.Errorf("bye %v", bye)
		}
		b.house.want(t, "down", WhyConnection)

		mine.send(Hello{Type: TypeHello, Tab: "mine", TakeOver: true})
		mine.send(MediaReport{Type: TypeMedia, Microphone: "ok"})
		b.connect(mine, 1)
		time.Sleep(2 * time.Second)
		b.house.want(t, "up", "ready")
		left = b.hello(Hello{Tab: "left", Token: "alice/b"}) // signed in anew
		b.server.SignOutOthers("alice", "a")
		if over, _ := left.ended(); !over {
			t.Error("a tab that is not the phone stays")
		}
		b.house.want(t)
		for _, k := range []*tab{mine, second} {
			if bye := k.last(TypeBye); bye != nil {
				t.Errorf("the browser with the new password was told %v", bye)
			}
		}
		if !seat.MediaReady() || !mine.isPhone() {
			t.Error("the browser with the new password lost its phone")
		}
	})
}

// A session that ends between its Hello and its place at the seat has none.
func TestSignOutInHello(t *testing.T) {
	inBubble(t, func(t *testing.T, b *bubble) {
		asked, authenticate := 0, b.server.opts.Authenticate
		b.server.opts.Authenticate = func(r *http.Request, token string) (Identity, error) {
			if asked++; asked > 1 {
				return nobody(r, token)
			}
			return authenticate(r, token)
		}
		k := b.hello(Hello{Tab: "one"})
		if bye := k.last(TypeBye); bye == nil || bye["code"] != "unauthorized" {
			t.Errorf("bye %v", bye)
		}
		time.Sleep(2 * closeWithin)
		b.house.want(t, "up", "down")
	})
}

// A session that is over closes its tabs, after the call that they are in.
func TestSessionEnds(t *testing.T) {
	inBubble(t, func(t *testing.T, b *bubble) {
		b.ends = time.Now().Add(time.Hour)
		k := b.hello(Hello{Tab: "one"})
		b.ends = time.Time{}
		other := b.hello(Hello{Tab: "other"})
		b.house.want(t, "up")
		seat, _ := b.server.Seat("alice")
		seat.Put(KeyCall, "x")
		time.Sleep(2 * time.Hour)
		if over, _ := k.ended(); over {
			t.Error("signed out in a call")
		}
		seat.Drop(KeyCall)
		time.Sleep(20 * time.Second)
		if bye := k.last(TypeBye); bye == nil || bye["code"] != "unauthorized" || bye["reconnect"] != false {
			t.Errorf("bye %v", bye)
		}
		b.house.want(t, "down")
		if over, _ := other.ended(); over {
			t.Error("a tab whose session goes on was closed")
		}
	})
}

func TestOrigin(t *testing.T) {
	s, err := New(DefaultConfig(), Options{
		Pacer: nopPacer(t), House: &notebook{}, AllowOrigin: []string{"https://other.example"},
		Authenticate: func(*http.Request, string) (Identity, error) {
			return Identity{}, contact.Errorf(contact.Unauthorized, "no")
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		origin, cookie string
		refused        bool
	}{
		"own page":            {"http://desk.example:8080", "callfloor_session=x", false},
		"own page, case":      {"http://DESK.example:8080", "callfloor_session=x", false},
		"behind TLS":          {"https://desk.example:8080", "callfloor_session=x", false},
		"program":             {"", "", false},
		"allowed":             {"https://other.example", "callfloor_session=x", false},
		"cookie, no origin":   {"", "callfloor_session=x", true},
		"foreign":             {"https://evil.example", "callfloor_session=x", true},
		"foreign, no cookie":  {"https://evil.example", "", true},
		"other port":          {"http://desk.example:81", "callfloor_session=x", true},
		"null (file, iframe)": {"null", "callfloor_session=x", true},
		"garbage":             {"://", "callfloor_session=x", true},
		"suffix":              {"http://desk.example:8080.evil.example", "", true},
	} {
		t.Run(name, func(t *testing.T) {
			r := httptest.NewRequest(http.MethodGet, "http://desk.example:8080/api/v1/seat", nil)
			if c.origin != "" {
				r.Header.Set("Origin", c.origin)
			}
			if c.cookie != "" {
				r.Header.Set("Cookie", c.cookie)
			}
			w := httptest.NewRecorder()
			s.ServeHTTP(w, r)
			if refused := w.Code == http.StatusForbidden; refused != c.refused {
				t.Errorf("status %d", w.Code)
			}
		})
	}
}

func nobody(*http.Request, string) (Identity, error) {
	return Identity{}, contact.Errorf(contact.Unauthorized, "no")
}
