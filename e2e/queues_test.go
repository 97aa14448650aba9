package e2e

import (
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"
)

// Callbacks, voicemails, and places that nobody loses.

// serveQueues starts the product with lines that offer a call back at once
// (2001) and take a message (2002).
func serveQueues(t *testing.T, dir string) *server {
	t.Helper()
	return serveWith(t, dir, map[string]string{
		"back.yaml": `
nodes:
  told: {kind: consent, mode: announce, say: consent_announcement, next: sales}
  sales: {kind: queue, queue: sales, refused: bye, keys: {1: {label: Call back, next: back}}}
  back: {kind: callback, queue: sales, booked: bye, declined: sales}
  bye: {kind: hangup}
`,
		"mailbox.yaml": mailboxFlow,
	}, `
routing: {wrap_up: 1s}
queues:
  - {id: vip, agents: [alice]}
lines:
  - {id: "2001", flow: back, consent: announce}
  - {id: "2002", flow: mailbox, consent: announce}
`)
}

const mailboxFlow = `
nodes:
  mailbox: {kind: voicemail, queue: sales, say: consent_announcement, next: bye}
  bye: {kind: hangup}
`

// serveWith starts the product with flows, by their files' names, and a
// configuration that names them.
func serveWith(t *testing.T, dir string, flows map[string]string, config string) *server {
	t.Helper()
	folder, file := t.TempDir(), filepath.Join(t.TempDir(), "callfloor.yaml")
	for name, text := range flows {
		writeFile(t, filepath.Join(folder, name), text)
	}
	writeFile(t, file, "flows: "+folder+config)
	return serveIn(t, dir, "--config", file)
}

func writeFile(t *testing.T, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

type taskRecord struct {
	ID        string  `json:"id"`
	Kind      string  `json:"kind"`
	State     string  `json:"state"`
	Agent     string  `json:"agent"`
	Caller    string  `json:"caller"`
	Call      string  `json:"call"`
	Recording string  `json:"recording"`
	Length    float64 `json:"length"`
	Tries     int     `json:"tries"`
}

func (s *server) tasks(closed bool) []taskRecord {
	s.t.Helper()
	var list []taskRecord
	if err := s.api(fmt.Sprintf("/api/v1/tasks?closed=%v", closed), &list); err != nil {
		s.t.Fatal(err)
	}
	return list
}

// task waits until the only task is in a state.
func (s *server) task(state string) taskRecord {
	s.t.Helper()
	var t taskRecord
	eventually(s.t, 25*time.Second, "the task is "+state, func() error {
		list := append(s.tasks(false), s.tasks(true)...)
		if len(list) != 1 || list[0].State != state {
			return fmt.Errorf("tasks: %+v", list)
		}
		t = list[0]
		return nil
	})
	return t
}

// TestCallback: a customer who waits asks to be called back, hangs up, and is
// called when an agent is there; they are told of the recording again.
func TestCallback(t *testing.T) {
	beside(t, phoning)
	s := serveQueues(t, t.TempDir())
	r, _ := s.dial("2001", "--from", "13812341234", "--dtmf", "1@2500ms,1@4s", "--for", "7s").wait()
	if r.Result != "completed" {
		t.Fatalf("the call: %+v", r)
	}
	first := s.lastCall()
	if task := s.task("queued"); task.Caller != "13812341234" || task.Call != first.ID || task.Tries != 0 {
		t.Errorf("the task: %+v", task)
	}
	// A restart loses nothing.
	s.kill()
	s.start()
	s.task("queued")

	s.sitDown("bob", "--answer-after", "100ms", "--play", fmt.Sprintf("tone:%d", seatHz))
	done := s.task("active")
	eventually(t, 25*time.Second, "the customer talks with bob", func() error {
		c, err := s.newest()
		if err != nil || c.ID == first.ID || c.Answered == nil || c.Agent == nil || *c.Agent != "bob" {
			return fmt.Errorf("the newest call is %+v, %v", c, err)
		}
		if c.From != "13812341234" || c.Queue == nil || *c.Queue != "sales" || c.Consent != "announced" {
			t.Errorf("the call back: %+v", c)
		}
		return nil
	})
	if done.Agent != "bob" {
		t.Errorf("the task: %+v", done)
	}
	if status, body := s.ask("ada", http.MethodPost, "/api/v1/tasks/"+done.ID+"/cancel", nil); status != http.StatusConflict {
		t.Errorf("a task that somebody works on was cancelled: %d %s", status, body)
	}
}

// TestVoicemail: a message is a recording behind an announcement and a task of
// its queue; the agent who has it listens to it, others do not.
func TestVoicemail(t *testing.T) {
	beside(t, phoning)
	s := serveQueues(t, t.TempDir())
	r, _ := s.dial("2002", "--from", "13812341234", "--play", fmt.Sprintf("tone:%d", customerHz), "--for", "5s").wait()
	if r.Result != "completed" {
		t.Fatalf("the call: %+v", r)
	}
	task := s.task("queued")
	c := s.lastCall()
	if task.Kind != "voicemail" || task.Length < 1 || c.Consent != "announced" || c.Recording == nil || *c.Recording != task.Recording {
		t.Fatalf("the task %+v of the call %+v", task, c)
	}
	if out, code := s.callfloor("recordings", "verify", task.Recording); code != 0 {
		t.Errorf("verify ended with %d: %s", code, out)
	}
	left, _ := s.export(task.Recording)
	left.heard(t, "the message", customerHz, 500*time.Millisecond, 2*time.Second)
	if status, _ := s.get("alice", "/api/v1/tasks/"+task.ID+"/audio"); status != http.StatusNotFound {
		t.Errorf("alice, who does not have it, may listen: %d", status)
	}
	s.sitDown("alice", "--answer-after", "100ms")
	if task = s.task("active"); task.Agent != "alice" {
		t.Errorf("the task: %+v", task)
	}
	if status, body := s.get("alice", "/api/v1/tasks/"+task.ID+"/audio"); status != http.StatusOK || len(body) < 8000 {
		t.Errorf("alice listens: %d, %d octets", status, len(body))
	}
	s.audited("alice", "recording_play", task.Recording)
	if status, _ := s.get("bob", "/api/v1/tasks/"+task.ID+"/audio"); status != http.StatusNotFound {
		t.Errorf("bob may listen: %d", status)
	}
	// Answered by a call: the customer is the echo of the demo's way out.
	if status, body := s.ask("alice", http.MethodPost, "/api/v1/tasks/"+task.ID+"/call", nil); status >= 300 {
		t.Fatalf("alice calls back: %d %s", status, body)
	}
	eventually(t, 25*time.Second, "alice talks with the customer", func() error {
		c, err := s.newest()
		if err != nil || c.Answered == nil || c.Agent == nil || *c.Agent != "alice" || c.From != "13812341234" {
			return fmt.Errorf("the newest call is %+v, %v", c, err)
		}
		return nil
	})
}

// TestPlacesSurviveARestart: callers who wait when the server dies stand as
// before when they call again, before who called meanwhile; who hung up and
// calls again within two minutes stands there too.
func TestPlacesSurviveARestart(t *testing.T) {
	beside(t, phoning)
	s := serveQueues(t, t.TempDir())
	wait := func(n int) {
		t.Helper()
		eventually(t, 25*time.Second, fmt.Sprint(n, " wait"), func() error {
			return s.metric(`callfloor_queue_waiting{queue="sales"}`, float64(n))
		})
	}
	s.dial("1002", "--from", "13812340001", "--for", "60s")
	wait(1)
	second := s.dial("1002", "--from", "13812340002", "--for", "60s")
	wait(2)
	s.dial("1002", "--from", "13812340003", "--for", "60s")
	wait(3)
	second.hangup() // calls again below
	wait(2)
	time.Sleep(1200 * time.Millisecond) // places are saved every second
	s.kill()
	s.start()
	phones := map[string]*phone{}
	for i, from := range []string{"13812340009", "13812340003", "13812340002", "13812340001"} {
		phones[from] = s.dial("1002", "--from", from, "--for", "60s")
		wait(i + 1)
	}
	s.sitDown("bob", "--answer-after", "50ms")
	var order []string
	for len(order) < 4 {
		var now string
		eventually(t, 25*time.Second, "bob talks with the next", func() error {
			var list []callRecord
			if err := s.api("/api/v1/calls", &list); err != nil {
				return err
			}
			for _, c := range list {
				if c.Agent != nil && c.Ended == nil && !slices.Contains(order, c.From) {
					now = c.From
					return nil
				}
			}
			return fmt.Errorf("nobody new is served: %v", order)
		})
		order = append(order, now)
		phones[now].hangup()
	}
	if want := []string{"13812340001", "13812340002", "13812340003", "13812340009"}; !slices.Equal(order, want) {
		t.Errorf("served %v, want %v", order, want)
	}
}

// TestWhatIfAndPlans: supervisors ask what more agents would do, and what the
// past needed; agents do not.
func TestWhatIfAndPlans(t *testing.T) {
	beside(t, phoning)
	s := serve(t)
	s.dial("1002", "--for", "1500ms").wait()
	s.lastCall()
	for _, path := range []string{"/api/v1/staffing/whatif?queue=sales&more=2", "/api/v1/staffing/plan?queue=sales&interval=15", "/api/v1/staffing/forecast?queue=sales"} {
		if status, _ := s.get("alice", path); status != http.StatusForbidden {
			t.Errorf("alice, %s: %d", path, status)
		}
		status, body := s.get("sam", path)
		if status != http.StatusOK {
			t.Errorf("sam, %s: %d %s", path, status, body)
		}
	}
	var plan struct {
		Calls     int
		Intervals []struct{ Contacts, Abandoned, Agents int }
	}
	_, body := s.get("sam", "/api/v1/staffing/plan?queue=sales&interval=15")
	if err := json.Unmarshal(body, &plan); err != nil || plan.Calls != 1 || len(plan.Intervals) != 1 || plan.Intervals[0].Abandoned != 1 || plan.Intervals[0].Agents < 1 {
		t.Errorf("the plan: %s, %v", body, err)
	}
}
