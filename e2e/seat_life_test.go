package e2e

import (
	"fmt"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// A seat through what happens to browsers in a shift: a crash, a closed lid, a
// tab in the background; and its keys.

// TestTabCrash kills the tab's renderer in mid-call. The customer hears a tone,
// and the next tab has the call.
func TestTabCrash(t *testing.T) {
	beside(t, browsing)
	s := serve(t)
	b := startBrowsers(t)
	alice := b.agentPage(s, "alice")
	out := filepath.Join(t.TempDir(), "phone.wav")
	call := s.dial("1001", "--play", fmt.Sprintf("tone:%d", customerHz), "--for", "90s", "--record", out)
	alice.see("ringing")
	alice.press("a")
	alice.state("talking")
	alice.hears("customer", customerHz)
	alice.must(nil, "crash", nil)
	eventually(t, 20*time.Second, "the timeline says that the browser is gone", func() error { return s.timelineHas("reconnect", "gone") })
	time.Sleep(3 * time.Second) // nobody is there, for less than the ten seconds of grace
	alice.must(nil, "replace", map[string]any{"url": s.http + "/"})
	alice.state("talking")
	alice.hears("customer", customerHz)
	alice.press("e")
	alice.state("wrap_up")
	r, _ := call.wait()
	if r.EndedBy != "remote" || r.SSRCChanges != 0 || r.SeqHoles != 0 {
		t.Errorf("the phone: %+v; want one SSRC and no hole in the sequence numbers", r)
	}
	c := s.lastCall()
	if !c.has("reconnect", "back") || c.has("reconnect", "did not come back") {
		t.Errorf("the timeline: %+v", c.Timeline)
	}
	answered := c.when(t, "sip", "sent 200")
	gone, back := c.when(t, "reconnect", "gone").Sub(answered), c.when(t, "reconnect", "back").Sub(answered)
	// The tone is a quiet double beep every three seconds.
	heard := readWAV(t, out)[0]
	heard.notHeard(t, "the agent while the tab was gone", agentHz, gone+200*time.Millisecond, back-100*time.Millisecond)
	if _, level := heard.share(agentHz, gone, back); level < -70 {
		t.Errorf("the customer heard no tone for %s: %.0f dBFS", back-gone, level)
	}
}

// TestClosedLid freezes the tab for ten seconds of a call, as a laptop's lid
// does, and wakes it: the call is there, and the keys work.
func TestClosedLid(t *testing.T) {
	beside(t, browsing)
	s := serve(t)
	b := startBrowsers(t)
	alice := b.agentPage(s, "alice")
	call := s.dial("1002", "--play", fmt.Sprintf("tone:%d", customerHz), "--for", "90s")
	alice.see("ringing")
	alice.press("a")
	alice.state("talking")
	alice.hears("customer", customerHz)
	alice.must(nil, "lifecycle", map[string]any{"state": "frozen"})
	time.Sleep(10 * time.Second) // the lid is closed
	alice.must(nil, "lifecycle", map[string]any{"state": "active"})
	alice.gone("reconnect")
	alice.state("talking")
	alice.hears("customer", customerHz)
	alice.press("h")
	alice.state("hold")
	alice.press("h")
	alice.state("talking")
	alice.press("e")
	alice.state("wrap_up")
	if r, _ := call.wait(); r.EndedBy != "remote" || r.SSRCChanges != 0 || r.SeqHoles != 0 {
		t.Errorf("the phone: %+v", r)
	}
	if c := s.lastCall(); c.has("reconnect", "did not come back") || c.Agent == nil || *c.Agent != "alice" {
		t.Errorf("the timeline: %+v", c.Timeline)
	}
}

// TestAnswerFromTheNotification: in a tab that nobody looks at a call shows as a
// notification of the system, in title and icon, and its button answers.
func TestAnswerFromTheNotification(t *testing.T) {
	beside(t, browsing)
	s := serve(t)
	b := startBrowsers(t)
	wav := filepath.Join(t.TempDir(), "alice.wav")
	writeTone(t, wav, agentHz, 6*time.Second)
	alice := b.signIn(s, "alice", map[string]any{"wav": wav, "init": `Object.defineProperty(document, 'visibilityState', { get: () => 'hidden' });`})
	alice.state("away")
	alice.goAvailable()
	call := s.dial("1002", "--play", fmt.Sprintf("tone:%d", customerHz), "--for", "60s")
	alice.see("ringing")
	eventually(t, 20*time.Second, "the notification is shown", func() error {
		var shown string
		alice.must(&shown, "worker", map[string]any{"js": `self.registration.getNotifications().then((all) => all.map((n) => n.title + ': ' + n.actions.map((a) => a.action)).join())`})
		if shown != "Call for Sales: answer" {
			return fmt.Errorf("it shows %q", shown)
		}
		return nil
	})
	eventually(t, 20*time.Second, "title and icon say that it rings", func() error {
		var page string
		alice.eval(&page, `document.title + ' ' + document.getElementById('favicon').getAttribute('href')`)
		if !strings.Contains(page, "is calling") || !strings.Contains(page, "ringing") {
			return fmt.Errorf("they say %q", page)
		}
		return nil
	})
	alice.must(nil, "worker", map[string]any{"js": `self.registration.getNotifications().then(([n]) => { self.dispatchEvent(new NotificationEvent('notificationclick', { notification: n, action: 'answer' })); })`})
	alice.state("talking")
	alice.hears("customer", customerHz)
	eventually(t, 20*time.Second, "the notification is gone", func() error {
		var n int
		if alice.must(&n, "worker", map[string]any{"js": `self.registration.getNotifications().then((all) => all.length)`}); n != 0 {
			return fmt.Errorf("%d are shown", n)
		}
		return nil
	})
	alice.press("e")
	call.wait()
}

// TestKeysOfOnesOwn: a key is changed in the list of keys and does its work
// after a reload too, and in another browser; wrap-up takes 30 s more.
func TestKeysOfOnesOwn(t *testing.T) {
	beside(t, browsing)
	s := serve(t)
	b := startBrowsers(t)
	alice := b.agentPage(s, "alice")
	alice.press("?")
	alice.click("key-mute")
	alice.press("h")
	alice.text("keys-says", "belongs to")
	alice.click("key-mute")
	alice.press("=")
	alice.text("keys-says", "is on =")
	alice.press("Escape")
	alice.reload()
	alice.state("available")
	call := s.dial("1002", "--play", fmt.Sprintf("tone:%d", customerHz), "--for", "60s")
	alice.see("ringing")
	alice.press("Enter")
	alice.state("talking")
	alice.until("the call can be muted", func() error { return alice.enabled("mute") })
	alice.press("m") // nothing
	alice.press("=")
	eventually(t, 20*time.Second, "alice is muted", func() error { return s.timelineHas("mute", "muted") })
	alice.press("=")
	eventually(t, 20*time.Second, "alice is heard again", func() error { return s.timelineHas("mute", "unmuted") })
	alice.press("e")
	alice.state("wrap_up")
	call.wait()
	until := func() (left float64) {
		alice.eval(&left, `Number(/\d+/.exec([...document.querySelectorAll('span')].find((e) => / s left$/.test(e.textContent))?.textContent ?? '0')[0])`)
		return left
	}
	before := until()
	alice.click("wrapup-extend")
	eventually(t, 20*time.Second, "the wrap-up is longer", func() error {
		if after := until(); after < before+15 {
			return fmt.Errorf("%v s were left, now %v", before, after)
		}
		return nil
	})
	alice.press("w")
	alice.state("available")
	muted := 0
	for _, e := range s.lastCall().Timeline {
		if e.Kind == "mute" {
			muted++
		}
	}
	if muted != 2 {
		t.Errorf("muted or unmuted %d times, want 2: m does nothing any more", muted)
	}
	alice.must(nil, "close", nil)
	alice = b.signIn(s, "alice", nil) // a browser that has never seen her
	alice.must(nil, "wait", map[string]any{"id": "state"})
	alice.press("?")
	alice.text("key-mute", "=")
}

// TestFloorCommands: a supervisor moves a caller to another queue, lets them go
// first, ends the call, and closes a queue; all of it is in the audit log.
func TestFloorCommands(t *testing.T) {
	beside(t, browsing)
	s := serve(t)
	b := startBrowsers(t)
	sam := b.signIn(s, "sam", nil)
	call := s.dial("1002", "--play", fmt.Sprintf("tone:%d", customerHz), "--for", "60s")
	sam.click("floor-call")
	sam.must(nil, "select", map[string]any{"selector": `[data-testid="move-to"]`, "value": "support"})
	sam.click("move")
	eventually(t, 20*time.Second, "the caller waits in support", func() error { return s.timelineHas("queue", "waits in queue support now: moved by sam") })
	sam.click("priority-set")
	eventually(t, 20*time.Second, "the caller goes first", func() error { return s.timelineHas("queue", "sam changes the priority") })
	sam.click("teardown")
	sam.click("teardown") // really
	if r, _ := call.wait(); r.EndedBy != "remote" {
		t.Errorf("the phone: %+v", r)
	}
	c := s.lastCall()
	if c.End.By != "supervisor" || c.Queue == nil || *c.Queue != "support" {
		t.Errorf("the record: %+v, end %+v", c, c.End)
	}
	sam.must(nil, "select", map[string]any{"selector": `[data-testid="door-sales"]`, "value": "closed"})
	eventually(t, 20*time.Second, "the log says that the queue was closed", func() error {
		status, body := s.get("ada", "/api/v1/audit?limit=50")
		if status != 200 || !strings.Contains(string(body), "queue_door") {
			return fmt.Errorf("%d %s", status, body)
		}
		return nil
	})
	s.dial("1002", "--for", "20s").wait()
	if c := s.lastCall(); c.End.By != "system" {
		t.Errorf("a call to a closed queue was ended by the %s: %+v", c.End.By, c.Timeline)
	}
	for _, action := range []string{"call_move", "call_priority", "call_teardown"} {
		s.audited("sam", action, c.ID)
	}
}
