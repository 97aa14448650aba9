package app

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"callfloor/acd"
	"callfloor/call"
	"callfloor/contact"
	"callfloor/sip"
	"callfloor/web"
)

func (a *App) written(t *testing.T, id contact.ID) (d call.Detail) {
	t.Helper()
	waitFor(t, "the call is written", func() (ok bool) {
		var err error
		d, err = a.journal.Show(t.Context(), id)
		return err == nil && d.Ended != nil
	})
	return d
}

// ladder is a call's SIP: who sent what, and the text of all messages.
func (a *App) ladder(t *testing.T, id contact.ID) string {
	t.Helper()
	list, err := a.journal.Messages(t.Context(), id)
	must(t, err)
	var b strings.Builder
	for _, m := range list {
		b.WriteString(string(m.Leg) + "\n" + m.Text + "\n")
	}
	return b.String()
}

// TestAttendedTransferByADeskPhone: an agent's telephone has a customer, calls a line
// where another agent answers, and joins the two, asking in the first call or in the
// second: the customer's call goes on with the other agent, at a browser or at a
// telephone, and both calls of the telephone are ended after the last NOTIFY.
func TestAttendedTransferByADeskPhone(t *testing.T) {
	for _, tt := range []struct {
		name     string
		phone    bool // the other agent's seat is a telephone too
		inSecond bool // the REFER comes in the second call
		ports    int
	}{
		{name: "to a browser", ports: 18500},
		{name: "to a telephone, asked in the second call", phone: true, inSecond: true, ports: 18600},
	} {
		t.Run(tt.name, func(t *testing.T) {
			a := startOut(t, newCarrier(t), "", "")
			alice := registers(t, a, "alice", tt.ports)
			customer, hangup := customerTo(t, a, "1001")
			first := alice.rings()
			waitFor(t, "alice talks", func() bool { s, _ := a.engine.Agent("alice"); return s.State == contact.AgentTalking })
			status, _ := a.engine.Agent("alice")
			id := status.Contact
			must(t, acknowledged(t.Context(), func() error { return first.Hold(t.Context(), true) }))
			waitFor(t, "the customer is on hold", func() bool { s, _ := a.engine.Agent("alice"); return s.State == contact.AgentHold })

			var bob *deskPhone
			if tt.phone {
				bob = registers(t, a, "bob", tt.ports+50)
			} else {
				s := sit(t, a, "bob")
				do(t, s, web.Command{Do: web.DoState, State: contact.AgentAvailable})
				defer func() { see(t, s, "bob wraps the customer's call up", isOver) }()
				go takes(t, s)
			}
			second := alice.dial("1002")
			var bobs *sip.Leg
			if tt.phone {
				bobs = bob.rings()
			}
			waitFor(t, "bob talks to alice", func() bool { s, _ := a.engine.Agent("bob"); return s.State == contact.AgentTalking })
			status, _ = a.engine.Agent("bob")
			consulted := status.Contact

			in, with := first, second
			if tt.inSecond {
				in, with = second, first
			}
			told, err := alice.transfers(in, with)
			if err != nil || len(told) != 1 || told[0] != 100 {
				t.Fatalf("the telephone was told %v, then %v", told, err)
			}
			ended(t, "the first call of the telephone", first)
			ended(t, "the second call of the telephone", second)
			live, ok := a.house.call(id)
			if !ok || live.Agent() != "bob" {
				t.Fatalf("the customer's call is up: %v", ok)
			}
			if s, _ := a.engine.Agent("bob"); s.Contact != id || s.State != contact.AgentTalking {
				t.Errorf("bob: %+v", s)
			}
			if s, _ := a.engine.Agent("alice"); s.Contact != id || s.State != contact.AgentWrapUp {
				t.Errorf("alice: %+v", s)
			}
			if tt.phone {
				bobs.Hangup(contact.EndCause{By: contact.Customer, Class: contact.EndCompleted})
			} else {
				hangup()
			}
			<-customer
			d := a.written(t, id)
			if *d.Agent != "bob" || d.Line != "1001" || d.Recording == nil || tt.phone != (d.End.By == contact.Agent) || !strings.Contains(texts(d), "alice handed the call to bob by telephone") {
				t.Errorf("the record: agent %v, line %s, recording %v, end %+v\n%s", *d.Agent, d.Line, d.Recording, d.End, texts(d))
			}
			c := a.written(t, consulted)
			if c.End.By != contact.System || c.End.Class != contact.EndCompleted || c.Recording != nil || !strings.Contains(texts(c), "left this call to a customer of theirs") {
				t.Errorf("the second call: %+v\n%s", c.End, texts(c))
			}
			for _, id := range []contact.ID{id, consulted} {
				waitFor(t, "the BYE is in the messages", func() bool { return strings.Contains(a.ladder(t, id), "\nBYE sip:") })
			}
			one, two := a.ladder(t, id), a.ladder(t, consulted)
			asked, let := one, two
			if tt.inSecond {
				asked, let = two, one
			}
			for _, want := range []string{"?Replaces=", "SIP/2.0 202 Accepted", "SIP/2.0 100 Trying", "SIP/2.0 200 OK", "\nBYE sip:"} {
				if !strings.Contains(asked, want) {
					t.Errorf("the ladder of the call that asked has no %q:\n%s", want, asked)
				}
			}
			if last := strings.LastIndex(asked, "\nNOTIFY "); last < 0 || strings.Index(asked, "\nBYE sip:") < last {
				t.Errorf("the BYE came before the last NOTIFY:\n%s", asked)
			}
			if !strings.Contains(let, "\nBYE sip:") {
				t.Errorf("the other call of the telephone has no BYE:\n%s", let)
			}
		})
	}
}

// TestAttendedTransferToAQueue: the second call still waits; the customer waits in its
// stead. Where nobody else is at work there it fails, and both calls are as they were.
func TestAttendedTransferToAQueue(t *testing.T) {
	a := startOut(t, newCarrier(t), "", "")
	alice := registers(t, a, "alice", 18700)
	_, _ = customerTo(t, a, "1001")
	first := alice.rings()
	waitFor(t, "alice talks", func() bool { s, _ := a.engine.Agent("alice"); return s.State == contact.AgentTalking })
	status, _ := a.engine.Agent("alice")
	second := alice.dial("1002")
	waits := func() contact.ID {
		for _, c := range a.house.live() {
			if _, queue, _ := c.Where(); queue == "sales" {
				return c.ID
			}
		}
		return ""
	}
	waitFor(t, "the second call waits", func() bool { return waits() != "" })
	told, err := alice.transfers(first, second)
	if e, refused := errors.AsType[*sip.RejectedError](err); !refused || e.Status != 480 || len(told) != 0 {
		t.Fatalf("with nobody there: %v, %v", told, err)
	}
	if live, ok := a.house.call(status.Contact); !ok || live.Agent() != "alice" || waits() == "" {
		t.Fatal("the calls are not as they were")
	}
	s := sit(t, a, "bob")
	do(t, s, web.Command{Do: web.DoState, State: contact.AgentAvailable})
	see(t, s, "alice's second call rings at bob", phaseIs(web.PhaseRinging))
	if _, err := alice.transfers(first, second); err != nil {
		t.Fatal(err)
	}
	ended(t, "the first call of the telephone", first)
	ended(t, "the second call of the telephone", second)
	v := see(t, s, "the customer rings at bob", func(v web.CallView) bool { return v.Phase == web.PhaseRinging && v.Contact == status.Contact })
	do(t, s, web.Command{Do: web.DoAnswer, Contact: v.Contact})
	see(t, s, "bob has the customer", phaseIs(web.PhaseTalking))
}

// TestToAnotherLine: the transfer key of an agent's telephone sends the customer into
// the flow of another line, as does an attended transfer whose second call is in a flow
// still. There they have a call of their own, with that line's consent; what they hear
// is one stream.
func TestToAnotherLine(t *testing.T) {
	a := startOut(t, newCarrier(t), "", "transfers: {lines: [\"1009\", \"2001\", \"2000\"]}\nlines:\n  - {id: \"2000\", flow: echo, consent: never, max_calls: 1}\n  - {id: \"2001\", flow: full, consent: ask, max_calls: 1}\n")
	alice := registers(t, a, "alice", 18750)
	customer, hangup := customerTo(t, a, "1001")
	first := alice.rings()
	waitFor(t, "alice talks", func() bool { s, _ := a.engine.Agent("alice"); return s.State == contact.AgentTalking })
	status, _ := a.engine.Agent("alice")
	to := func(line string) error {
		ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
		defer cancel()
		return acknowledged(ctx, func() error {
			return first.Transfer(ctx, "sip:"+line+"@"+alice.to, sip.TransferOptions{})
		})
	}
	if e, refused := errors.AsType[*sip.RejectedError](to("1002")); !refused || e.Status != 403 {
		t.Fatalf("to a line that calls may not be handed to: %v", e)
	}
	full, _ := a.cfg.Line("2000")
	if !a.lineCaps.take(full, time.Now(), 0) {
		t.Fatal("there is no place on a line without calls")
	}
	if e, refused := errors.AsType[*sip.RejectedError](to("2000")); !refused || e.Status != 486 {
		t.Fatalf("to a line that is full: %v", e)
	}
	must(t, to("1009"))
	if a.lineCaps.on("2000") != 1 || a.lineCaps.on("1009") != 1 {
		t.Errorf("%d calls are counted on the line that is full, %d on the customer's", a.lineCaps.on("2000"), a.lineCaps.on("1009"))
	}
	ended(t, "the call of the telephone", first)
	waitFor(t, "the recording is written", func() bool { // which a call does not wait for
		d, err := a.journal.Show(t.Context(), status.Contact)
		return err == nil && d.Recording != nil
	})
	one := a.written(t, status.Contact)
	if one.End.By != contact.Agent || one.End.Class != contact.EndCompleted || one.Recording == nil || !strings.Contains(texts(one), "handed to line 1009") {
		t.Errorf("the call that it left: %+v, recording %v\n%s", one.End, one.Recording, texts(one))
	}
	on := func(line contact.LineID) *call.Call {
		for _, c := range a.house.live() {
			if c.Line == line {
				return c
			}
		}
		return nil
	}
	waitFor(t, "the customer is on the echo line", func() bool { return on("1009") != nil })
	echo := on("1009").ID
	waitFor(t, "the echo is heard", func() bool {
		d, err := a.journal.Show(t.Context(), echo)
		return err == nil && strings.Contains(texts(d), "answered by the flow")
	})
	hangup()
	if r := <-customer; r.SSRCChanges != 0 || r.SeqHoles != 0 {
		t.Errorf("the customer's phone: %+v", r)
	}
	two := a.written(t, echo)
	waitFor(t, "its place is free", func() bool { return a.lineCaps.on("1009") == 0 && a.lineCaps.on("1001") == 0 })
	if two.End.By != contact.Customer || two.Recording != nil || two.Agent != nil || two.From != one.From {
		t.Errorf("the call on the echo line: %+v, %+v", two.Record, two.End)
	}
	waitFor(t, "the BYE is in its messages", func() bool { return strings.Contains(a.ladder(t, echo), "\nBYE sip:") })
	if text := a.ladder(t, echo); strings.Contains(text, "\nINVITE sip:") {
		t.Errorf("its messages:\n%s", text)
	}
	waitFor(t, "alice wraps up", func() bool { s, _ := a.engine.Agent("alice"); return s.State == contact.AgentWrapUp })
	must(t, a.engine.Do(acd.WrapUpDone{Agent: "alice"}))

	customer, hangup = customerTo(t, a, "1001")
	first = alice.rings()
	waitFor(t, "alice talks again", func() bool { s, _ := a.engine.Agent("alice"); return s.State == contact.AgentTalking })
	second := alice.dial("2001") // the only place there
	waitFor(t, "the menu answers", func() bool { c := on("2001"); return c != nil && second.Codec() != 0 })
	if _, err := alice.transfers(first, second); err != nil {
		t.Fatal(err)
	}
	ended(t, "the first call of the telephone", first)
	ended(t, "the second call of the telephone", second)
	waitFor(t, "the customer is in the menu", func() bool { c := on("2001"); return c != nil && c.From == one.From })
	waitFor(t, "the place of the second call is free", func() bool { return a.lineCaps.on("2001") == 1 })
	hangup()
	if r := <-customer; r.SSRCChanges != 0 || r.SeqHoles != 0 {
		t.Errorf("the customer's phone: %+v", r)
	}
	waitFor(t, "the customer's place is free", func() bool { return a.lineCaps.on("2001") == 0 })
}

// TestAttendedTransferIsRefused: two calls of a customer's phone, who is no agent's
// telephone; and a place where calls may not be handed to.
func TestAttendedTransferIsRefused(t *testing.T) {
	a := startOut(t, newCarrier(t), "", "transfers: {agents: [ada], queues: [support]}\n")
	alice := registers(t, a, "alice", 18800)
	phone := registers(t, a, "", 18850)
	one := phone.dial("1002")
	first := alice.rings()
	waitFor(t, "alice talks", func() bool { s, _ := a.engine.Agent("alice"); return s.State == contact.AgentTalking })
	two := phone.dial("1002")
	refused := func(in, with *sip.Leg, want int) {
		t.Helper()
		told, err := alice.transfers(in, with)
		if e, ok := errors.AsType[*sip.RejectedError](err); !ok || e.Status != want || len(told) != 0 {
			t.Errorf("told %v, then %v; want %d at once", told, err, want)
		}
	}
	refused(one, two, 403)
	second := alice.dial("1002")
	waitFor(t, "it waits", func() bool { q, _ := a.engine.Queue("sales"); return q.Waiting == 2 })
	refused(first, second, 403)
	for _, l := range []*sip.Leg{one, first, two, second} {
		select {
		case <-l.Done():
			t.Errorf("a call has ended: %+v", l.Cause())
		default:
		}
	}
}
