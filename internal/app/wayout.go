package app

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"callfloor/acd"
	"callfloor/api"
	"callfloor/call"
	"callfloor/contact"
	"callfloor/internal/config"
	"callfloor/outbound"
	"callfloor/sip"
)

// wayOut is the one door to the outside: it asks the book, calls over the
// trunks, and tells the book what became of the call.
type wayOut struct {
	log   *slog.Logger
	cfg   outbound.Config
	lines []config.Line
	store *outbound.Store
	audit Audit
	alert func(acd.Alert)
	// trunks is empty before the start.
	trunks atomic.Pointer[sip.Trunks]

	calls   *prometheus.CounterVec
	refused *prometheus.CounterVec

	saving sync.Mutex // held while the stop is saved, so that the last one saved is the last there was

	mu   sync.Mutex // guards what follows
	book *outbound.Book
	legs map[contact.ID]call.Leg // that are out, by the book's ID
	// countsFrom is since when the caps count.
	countsFrom time.Time

	ctx  context.Context
	stop context.CancelFunc
	wg   sync.WaitGroup
}

// Times of the way out.
const (
	lookEvery = 5 * time.Second        // at what was spent
	askWithin = 500 * time.Millisecond // the do-not-call list
	saveLimit = 5 * time.Second
)

func newWayOut(ctx context.Context, cfg config.Config, store *outbound.Store, audit Audit, alert func(acd.Alert), log *slog.Logger) (*wayOut, error) {
	zone, err := time.LoadLocation(cfg.Routing.TimeZone)
	if err != nil {
		return nil, fmt.Errorf("the time zone of calls out: %w", err)
	}
	w := &wayOut{
		log: log, cfg: cfg.Outbound, lines: cfg.Lines, store: store, audit: audit, alert: alert,
		calls: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "callfloor_outbound_calls_total", Help: "Calls to the outside, by who asked and what became of them.",
		}, []string{"purpose", "result"}),
		refused: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "callfloor_outbound_refused_total", Help: "Calls to the outside that a rule or a cap refused.",
		}, []string{"why"}),
		book: outbound.NewBook(cfg.Outbound, zone), legs: map[contact.ID]call.Leg{},
	}
	ended, stopped, from, err := store.Load(ctx, time.Now())
	if err != nil {
		return nil, fmt.Errorf("prepare calls out: %w", err)
	}
	w.countsFrom = from
	w.book.Restore(ended, stopped)
	w.ctx, w.stop = context.WithCancel(context.Background())
	w.wg.Go(w.watch)
	return w, nil
}

// close ends the watch, and waits for what is being saved.
func (w *wayOut) close(context.Context) error {
	w.stop()
	w.wg.Wait()
	return nil
}

// watch looks at what is spent while calls are out.
func (w *wayOut) watch() {
	look := time.NewTicker(lookEvery)
	defer look.Stop()
	for {
		select {
		case now := <-look.C:
			w.mu.Lock()
			w.book.Tick(now)
			w.mu.Unlock()
			w.act()
		case <-w.ctx.Done():
			return
		}
	}
}

// act carries out what the book decided.
func (w *wayOut) act() {
	w.mu.Lock()
	actions := w.book.Take()
	legs := map[contact.ID]call.Leg{}
	stopped := false
	for _, a := range actions {
		switch a := a.(type) {
		case outbound.HangUp:
			legs[a.ID] = w.legs[a.ID]
		case outbound.Alarm:
			stopped = stopped || a.Kind == "outbound_stopped"
		}
	}
	state := w.book.Status(time.Now()).Stopped
	w.mu.Unlock()
	for _, a := range actions {
		switch a := a.(type) {
		case outbound.HangUp:
			if leg := legs[a.ID]; leg != nil {
				w.log.Warn("a call out is ended by the rules", "why", a.Why)
				leg.Hangup(contact.EndCause{By: contact.System, Class: contact.EndFailed, Q850: 16, Why: a.Why})
			}
		case outbound.Alarm:
			w.log.Warn("calls out need a look", "kind", a.Kind, "on", a.On, "subject", a.Subject, "why", a.Text)
			w.alert(alarmed(a))
		}
	}
	if !stopped {
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), saveLimit)
	defer cancel()
	if err := w.saveStop(ctx); err != nil {
		w.log.Error("it is not saved that calls out are stopped; a restart forgets it", "error", err)
	}
	if state != nil && state.By == "" {
		if err := w.audit.Record(ctx, api.Entry{Who: "system", Action: actionOutbound, Target: "outbound", Details: map[string]any{"stopped": true, "why": state.Why}}); err != nil {
			w.log.Error("the stop of calls out is not in the audit log", "error", err)
		}
	}
}

// alarmed is an alarm as the floor shows it.
func alarmed(a outbound.Alarm) acd.Alert {
	alert := acd.Alert{Kind: a.Kind, On: a.On, Text: a.Text}
	if user, ok := strings.CutPrefix(a.Subject, "user "); ok {
		alert.Agent = contact.AgentID(user)
	} else {
		alert.Queue = contact.QueueID(a.Subject)
	}
	return alert
}

// actionOutbound is the stopping and resuming of calls out in the audit log.
const actionOutbound api.Action = "outbound"

func (w *wayOut) line(id contact.LineID) (config.Line, bool) {
	for _, l := range w.lines {
		if l.ID == id {
			return l, true
		}
	}
	return config.Line{}, false
}

// callerID is the number that a line shows; "" is the trunk's.
func (w *wayOut) callerID(l config.Line, n outbound.Number) string {
	if n.Kind == outbound.Emergency && w.cfg.EmergencyCaller != "" {
		return w.cfg.EmergencyCaller
	}
	if l.CallerID != "" {
		return l.CallerID
	}
	if strings.HasPrefix(string(l.ID), "+") {
		return string(l.ID)
	}
	return ""
}

// listed looks into the do-not-call list. What cannot be looked up is not
// called: the list is a promise.
func (w *wayOut) listed(ctx context.Context, n outbound.Number) (bool, error) {
	if n.Kind == outbound.Emergency {
		return false, nil
	}
	ctx, cancel := context.WithTimeout(ctx, askWithin)
	defer cancel()
	found, err := w.store.Has(ctx, n)
	if err != nil {
		w.log.Error("the do-not-call list cannot be read; nothing is called", "error", err)
		return false, contact.Errorf(contact.OutboundRefused, "the do-not-call list cannot be read just now, so the number was not called")
	}
	return found, nil
}

// place implements outside.
func (w *wayOut) place(ctx context.Context, req Outside) (*sip.Leg, error) {
	line, ok := w.line(req.Line)
	if !ok {
		return nil, contact.Errorf(contact.NotFound, "there is no line %q to call from", req.Line)
	}
	n, err := w.cfg.Parse(req.To)
	if err != nil {
		return nil, err //nolint:wrapcheck // a sentence for the one who dialled
	}
	listed, err := w.listed(ctx, n)
	if err != nil {
		return nil, err
	}
	ask := outbound.Request{
		Number: n, Line: req.Line, Purpose: req.Purpose, By: req.By, Contact: req.Call, Inbound: req.Inbound, Trunks: req.Trunk, Listed: listed,
	}
	id := contact.NewID()
	w.mu.Lock()
	entry, err := w.book.Ask(time.Now(), id, ask)
	w.mu.Unlock()
	w.act()
	if err != nil {
		w.refusal(req, err)
		return nil, err //nolint:wrapcheck // a sentence for the one who dialled
	}
	if done, err := w.refer(ctx, entry, req); done {
		if errors.Is(err, errHandedOn) { // what it costs from now on is not ours to see
			w.mu.Lock()
			w.book.Answered(time.Now(), id)
			w.mu.Unlock()
			w.calls.WithLabelValues(string(req.Purpose), "handed_on").Inc()
		} else {
			w.calls.WithLabelValues(string(req.Purpose), resultOf(err)).Inc()
		}
		w.ended(id)
		return nil, err
	}
	leg, err := w.dial(ctx, entry, line, req, ask)
	result := "answered"
	if err != nil {
		result = resultOf(err)
	}
	w.calls.WithLabelValues(string(req.Purpose), result).Inc()
	if err != nil {
		w.ended(id)
		return nil, err
	}
	w.mu.Lock()
	w.book.Answered(time.Now(), id)
	w.mu.Unlock()
	w.wg.Go(func() {
		<-leg.Done()
		w.ended(id)
	})
	return leg, nil
}

// refusal counts and logs what a rule refused; the number is in neither.
func (w *wayOut) refusal(req Outside, err error) {
	why := "other"
	if r, ok := errors.AsType[*outbound.RefusedError](err); ok {
		why = string(r.Why)
	}
	w.refused.WithLabelValues(why).Inc()
	w.log.Warn("a call out was refused", "why", why, "purpose", req.Purpose, "line", req.Line, "user", req.By, "call", req.Call)
}

// dial calls over the trunks. What the carrier redirects to must pass the
// rules again.
func (w *wayOut) dial(ctx context.Context, e outbound.Entry, line config.Line, req Outside, ask outbound.Request) (*sip.Leg, error) {
	trunks := w.trunks.Load()
	if trunks == nil {
		return nil, contact.Errorf(contact.NoTrunk, "the trunks are not up yet")
	}
	leg, err := trunks.Dial(ctx, sip.TrunkCall{
		Group: e.Trunks, Number: forms(e.Number), Caller: w.callerID(line, e.Number), Urgent: e.Number.Kind == outbound.Emergency,
		Progress: req.Progress,
		Prepare: func(l *sip.Leg) {
			w.mu.Lock()
			w.legs[e.ID] = l
			w.mu.Unlock()
			if req.Prepare != nil {
				req.Prepare(l)
			}
		},
		Redirect: func(ctx context.Context, user string) (sip.TrunkNumber, error) {
			return w.redirect(ctx, e.ID, user, ask)
		},
		Trying: func(trunk string) {
			w.log.Info("calls out", "trunk", trunk, "purpose", req.Purpose, "line", req.Line, "country", e.Number.Country, "kind", e.Number.Kind, "call", req.Call)
		},
	})
	if err != nil {
		return nil, fmt.Errorf("call out: %w", err)
	}
	return leg, nil
}

func forms(n outbound.Number) sip.TrunkNumber {
	return sip.TrunkNumber{E164: n.E164, National: n.National, Dialled: n.Dialled}
}

func (w *wayOut) redirect(ctx context.Context, id contact.ID, user string, ask outbound.Request) (sip.TrunkNumber, error) {
	n, err := w.cfg.Parse(user)
	if err != nil {
		return sip.TrunkNumber{}, err //nolint:wrapcheck // a sentence for the one who dialled
	}
	listed, err := w.listed(ctx, n)
	if err != nil {
		return sip.TrunkNumber{}, err
	}
	ask.Number, ask.Purpose, ask.Listed = n, outbound.Redirect, listed
	w.mu.Lock()
	err = w.book.Redirect(time.Now(), id, ask)
	w.mu.Unlock()
	w.act()
	if err != nil {
		w.refusal(Outside{Purpose: outbound.Redirect, Line: ask.Line, By: ask.By, Call: ask.Contact}, err)
		return sip.TrunkNumber{}, err //nolint:wrapcheck // a sentence for the one who dialled
	}
	return forms(n), nil
}

// ended tells the book that a call is over, and keeps its record.
func (w *wayOut) ended(id contact.ID) {
	w.mu.Lock()
	e, ok := w.book.Ended(time.Now(), id)
	delete(w.legs, id)
	w.mu.Unlock()
	if !ok {
		return
	}
	w.wg.Go(func() {
		ctx, cancel := context.WithTimeout(context.Background(), saveLimit)
		defer cancel()
		if err := w.store.Save(ctx, e); err != nil {
			w.log.Error("what a call out cost is not saved; a restart forgets it", "error", err)
		}
	})
}

// resultOf is the word of the metric.
func resultOf(err error) string {
	if e, ok := errors.AsType[*sip.RejectedError](err); ok {
		switch {
		case e.Status == 486 || e.Status == 600:
			return "busy"
		case e.Status == 408 || e.Status == 480:
			return "no_answer"
		default:
			return "rejected"
		}
	}
	switch {
	case errors.Is(err, errRang):
		return "no_answer"
	case contact.ErrorCode(err) == contact.OutboundRefused:
		return "redirect_refused"
	case errors.Is(err, sip.ErrNoTrunk):
		return "no_trunk"
	}
	return "given_up"
}

// status is the book's, for people.
func (w *wayOut) status() outbound.Status {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.book.Status(time.Now())
}
