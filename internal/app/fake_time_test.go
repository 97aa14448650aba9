package app

import (
	"context"
	"fmt"
	"log/slog"
	"math"
	"testing"
	"testing/synctest"
	"time"

	"callfloor/acd"
	"callfloor/api"
	"callfloor/call"
	"callfloor/contact"
	"callfloor/internal/config"
	"callfloor/internal/simnet"
	"callfloor/internal/siptest"
	"callfloor/internal/store"
	"callfloor/internal/store/storetest"
	"callfloor/ivr"
	"callfloor/media"
	"callfloor/recordings/consent"
	"callfloor/sip"
)

// floor is the product without browsers and pages, on an in-memory network in
// a bubble of fake time: SIP, calls, flows with their real prompts, queues and
// the journal.
type floor struct {
	t     *testing.T
	net   *simnet.Network
	pacer *media.Pacer
	app   *App
	phone *sip.Server
}

// onFloor runs f in a bubble.
func onFloor(t *testing.T, f func(*floor)) {
	t.Helper()
	onFloorWith(t, func(*acd.QueueConfig) {}, f)
}

// onFloorWith changes the queues first.
func onFloorWith(t *testing.T, change func(*acd.QueueConfig), f func(*floor)) {
	t.Helper()
	prompts, err := ivr.LoadPrompts(ivr.BuiltinPrompts())
	must(t, err)
	cfg, err := config.Load(config.Source{Demo: true, Flags: []config.Flag{{Name: "--data", Key: "data", Value: storetest.Folder(t)}}})
	must(t, err)
	for i := range cfg.Queues {
		change(&cfg.Queues[i])
	}
	synctest.Test(t, func(t *testing.T) {
		fl := &floor{t: t, net: simnet.New(), pacer: media.NewPacer()}
		defer fl.pacer.Close()
		fl.net.Latency = 10 * time.Millisecond
		log := slog.New(slog.DiscardHandler)
		db, err := store.Open(context.Background(), cfg.Data)
		must(t, err)
		a := &App{cfg: cfg, log: log, db: db, journal: call.NewJournal(db, log), ledger: consent.NewLedger(db), pacer: fl.pacer, prompts: prompts, legs: newLegFigures(), lineCaps: newLineCaps()}
		a.ctx, a.endCalls = context.WithCancel(context.Background())
		a.where = newWhereabouts()
		a.shelf, err = newShelf(cfg, log, prompts)
		must(t, err)
		a.house = newHouse(log, a.journal, api.NewAudit(db), staff{cfg.Queues}, namesOf(cfg))
		a.engine = acd.NewEngine(cfg.ACD(), log, a.house.inbox.actions)
		a.house.start(a.engine)
		fl.app = a
		a.sip = fl.server("10.0.0.1:5060", a.onCall)
		fl.phone = fl.server("10.0.0.2:5060", nil)
		f(fl)
		ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
		defer cancel()
		must(t, fl.phone.Close(ctx))
		must(t, a.sip.Close(ctx))
		a.calls.Wait()
		a.endCalls()
		a.engine.Close()
		a.house.stop()
		a.journal.Close()
		must(t, db.Close())
	})
}

func (f *floor) server(addr string, onCall func(*sip.Leg)) *sip.Server {
	f.t.Helper()
	conn, err := f.net.Listen(addr)
	must(f.t, err)
	srv, err := sip.New(sip.DefaultConfig(), sip.Options{Conn: conn, Pacer: f.pacer, OnCall: onCall, OpenMedia: func(c sip.MediaConfig) (sip.Media, error) {
		return siptest.OpenSession(f.net, c.IP, f.pacer)
	}})
	must(f.t, err)
	must(f.t, srv.Start())
	return srv
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// customer calls a line, presses keys at times after the answer, and hangs up.
func (f *floor) customer(line string, keys map[time.Duration]rune, stay time.Duration) {
	f.t.Helper()
	leg, err := f.phone.Dial(context.Background(), "sip:"+line+"@10.0.0.1:5060", sip.DialOptions{From: "13812341234"})
	if err != nil {
		f.t.Errorf("dial %s: %v", line, err)
		return
	}
	begun := time.Now()
	for at := time.Duration(0); at < stay; at += 100 * time.Millisecond {
		if key, ok := keys[at]; ok {
			if err := leg.Sender().SendDigit(key, 100*time.Millisecond); err != nil {
				f.t.Errorf("press %c: %v", key, err)
			}
		}
		select {
		case <-leg.Done():
			return
		case <-time.After(time.Until(begun.Add(at + 100*time.Millisecond))):
		}
	}
	leg.Hangup(contact.EndCause{By: contact.Customer, Class: contact.EndCompleted})
	<-leg.Done()
}

func (f *floor) list() []call.Record {
	f.t.Helper()
	time.Sleep(2 * time.Second) // fake: the journal writes
	synctest.Wait()
	list, err := f.app.journal.List(context.Background(), call.Query{})
	must(f.t, err)
	return list
}

// TestADayOfCustomersWithoutAgents: nobody serves them; each is asked for
// consent, waits with music and announcements, and gives up after a while.
func TestADayOfCustomersWithoutAgents(t *testing.T) {
	onFloor(t, func(f *floor) {
		const customers = 12
		done := make(chan struct{}, customers)
		for i := range customers {
			go func() {
				defer func() { done <- struct{}{} }()
				time.Sleep(time.Duration(i) * 7 * time.Second)
				key := '1' + rune(i%2) // yes, no
				f.customer("1000", map[time.Duration]rune{4 * time.Second: key, 7 * time.Second: '1'}, 5*time.Minute)
			}()
		}
		time.Sleep(3 * time.Minute)
		if q, _ := f.app.engine.Queue("sales"); q.Waiting != customers {
			t.Errorf("%d wait for sales, want %d", q.Waiting, customers)
		}
		want := ivr.QueueFigures{Waiting: customers, Open: true} // nobody is at work: no wait can be expected
		got, ok := f.app.house.figures("sales")
		if got.Longest, want.Longest = math.Round(got.Longest), 173; !ok || got != want {
			t.Errorf("a flow that asks is told %+v (%v), want %+v", got, ok, want)
		}
		if _, ok := f.app.house.figures("slaes"); ok {
			t.Error("there are figures of a queue that there is not")
		}
		for range customers {
			<-done
		}
		list := f.list()
		if len(list) != customers {
			t.Fatalf("%d calls are listed, want %d", len(list), customers)
		}
		said := map[contact.Consent]int{}
		for _, c := range list {
			said[c.Consent]++
			if c.End == nil || c.End.By != contact.Customer || c.End.Class != contact.EndAbandoned || c.Queue == nil || *c.Queue != "sales" || c.Recording != nil {
				t.Errorf("the record: %+v, end %+v", c, c.End)
			}
		}
		if said[contact.ConsentGranted] != customers/2 || said[contact.ConsentRefused] != customers/2 {
			t.Errorf("consents: %v", said)
		}
		if q, _ := f.app.engine.Queue("sales"); q.Waiting != 0 || q.Abandoned != customers {
			t.Errorf("the queue at the end: %+v", q)
		}
	})
}

// TestLinesInFakeTime calls each of the demo's lines once.
func TestLinesInFakeTime(t *testing.T) {
	for _, tt := range []struct {
		line    string
		keys    map[time.Duration]rune
		stay    time.Duration
		want    string        // by class consent
		lasting time.Duration // 0: as long as the flow likes
	}{
		// Silence is a no, and after three silent menus the flow says goodbye.
		{"1000", nil, time.Hour, "system completed refused", 0},
		{"1000", map[time.Duration]rune{time.Second: '9', 5 * time.Second: '1', 8 * time.Second: '3'}, 20 * time.Second, "customer abandoned granted", 20 * time.Second},
		{"1001", nil, 30 * time.Second, "customer abandoned announced", 30 * time.Second},
		{"1002", nil, 30 * time.Second, "customer abandoned none", 30 * time.Second},
		{"1004", nil, time.Minute, "system completed none", 2 * time.Second},
		{"1009", nil, time.Minute, "customer completed none", time.Minute},
	} {
		t.Run(fmt.Sprint(tt.line, " ", tt.stay), func(t *testing.T) {
			onFloor(t, func(f *floor) {
				f.customer(tt.line, tt.keys, tt.stay)
				list := f.list()
				if len(list) != 1 || list[0].End == nil {
					t.Fatalf("calls: %+v", list)
				}
				c := list[0]
				if got := fmt.Sprint(c.End.By, " ", c.End.Class, " ", c.Consent); got != tt.want {
					t.Errorf("got %s, want %s", got, tt.want)
				}
				if lasted := c.Ended.Time().Sub(c.Started.Time()); tt.lasting > 0 && (lasted-tt.lasting).Abs() > time.Second {
					t.Errorf("it lasted %s, want %s", lasted, tt.lasting)
				}
			})
		})
	}
}
