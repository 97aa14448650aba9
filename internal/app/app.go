package app

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"

	"callfloor/acd"
	"callfloor/acd/shifts"
	"callfloor/api"
	"callfloor/call"
	"callfloor/crm"
	"callfloor/internal/config"
	"callfloor/internal/store"
	"callfloor/ivr"
	"callfloor/media"
	"callfloor/media/botstream"
	"callfloor/recordings"
	"callfloor/recordings/consent"
	"callfloor/sip"
	"callfloor/web"
)

// stopWithin bounds each step of Stop.
const stopWithin = 5 * time.Second

// Options are what App needs beside its configuration.
type Options struct {
	// Version is shown by /api/v1/info.
	Version string
	// Pages serves the browser app.
	Pages pages
	// Metrics is where the figures of /metrics are registered; nil is a registry
	// of its own.
	Metrics Metrics
}

// Metrics are figures to register and to read.
type Metrics interface {
	prometheus.Gatherer
	prometheus.Registerer
}

// App is the whole server.
type App struct {
	cfg  config.Config
	log  *slog.Logger
	opts Options

	metrics    Metrics
	troubled   *prometheus.CounterVec
	lineCaps   *lineCaps
	legs       *legFigures
	fetch      *fetcher // for flows and for what is known of customers
	db         *store.DB
	journal    *call.Journal
	recordings *recordings.Store
	ledger     *consent.Ledger
	accounts   *api.Accounts
	pacer      *media.Pacer
	media      *media.Engine
	prompts    *ivr.Prompts
	shelf      *shelf
	where      *whereabouts
	editor     *flowEditor
	flowCalls  *flowCalls
	sounds     *promptShelf
	bots       *botstream.Dialer
	services   ivr.Services
	engine     *acd.Engine
	house      *House
	webhooks   *crm.Outbox
	wayOut     *wayOut
	trunks     *sip.Trunks
	places     *places
	seats      *web.Server
	sip        *sip.Server
	api        *api.Server

	// calls counts the goroutines of calls; ctx ends them.
	calls     sync.WaitGroup
	ctx       context.Context
	endCalls  context.CancelFunc
	started   atomic.Bool
	draining  atomic.Bool
	cleanups  []cleanup // run by Stop, last first
	stopOnce  sync.Once
	stopError error
}

// cleanup undoes one step of the start.
type cleanup struct {
	name string
	run  func(context.Context) error
}

// New checks that everything can be made and makes it; nothing listens before
// Start. The caller calls Stop in any case once New has returned an App.
func New(ctx context.Context, cfg config.Config, log *slog.Logger, opts Options) (*App, error) {
	a := &App{cfg: cfg, log: log, opts: opts, metrics: opts.Metrics}
	if a.metrics == nil {
		a.metrics = prometheus.NewRegistry()
	}
	a.ctx, a.endCalls = context.WithCancel(context.Background())
	for _, what := range cfg.Replaced {
		log.Warn("a setting counts for nothing in the demo; give it another name, or start without --demo", "setting", what)
	}
	a.lineCaps = newLineCaps()
	a.troubled = prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "callfloor_call_troubles_total", Help: "One-way audio and silent microphones that were found in calls.",
	}, []string{"trouble"})
	a.legs = newLegFigures()
	a.metrics.MustRegister(a.legs, collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	for _, step := range []func(context.Context) error{a.openStore, a.openRecordings, a.loadFlows, a.openHouse, a.openEdges} {
		if err := step(ctx); err != nil {
			return nil, errors.Join(err, a.Stop(ctx))
		}
	}
	return a, nil
}

func (a *App) onStop(name string, run func(context.Context) error) {
	a.cleanups = append(a.cleanups, cleanup{name, run})
}

func (a *App) openStore(ctx context.Context) error {
	var err error
	if a.db, err = store.Open(ctx, a.cfg.Data); err != nil {
		return err
	}
	a.onStop("database", func(context.Context) error { return a.db.Close() })
	if err := a.openWebhooks(); err != nil {
		return err
	}
	a.journal = call.NewJournal(a.db, a.log)
	a.onStop("journal", func(context.Context) error { a.journal.Close(); return nil })
	a.journal.Tell(teller{a.webhooks})
	n, err := a.journal.CloseOpen(ctx)
	if err != nil {
		return fmt.Errorf("end the calls of the last run: %w", err)
	}
	if n > 0 {
		a.log.Warn("the last run ended without warning; its calls are marked as failed", "calls", n)
	}
	if a.accounts, err = api.NewAccounts(api.AccountsOptions{Log: a.log, DB: a.db, Demo: a.cfg.People}); err != nil {
		return err
	}
	return a.accounts.LoadPhones(ctx)
}

func (a *App) openRecordings(ctx context.Context) error {
	var err error
	a.ledger = consent.NewLedger(a.db)
	a.recordings, err = recordings.Open(ctx, a.cfg.Data, a.db, recordings.Options{
		Config: a.cfg.Recordings, Log: a.log, OnTrouble: a.recordingTrouble,
	})
	if err != nil {
		return err
	}
	a.onStop("recordings", a.recordings.Close)
	n, err := a.recordings.Recover(ctx)
	if err != nil {
		return fmt.Errorf("look after the recordings of the last run: %w", err)
	}
	if n > 0 {
		a.log.Warn("recordings of the last run were cut off; they are readable to their last second", "recordings", n)
	}
	a.keepRetention()
	a.forgetMessages()
	return nil
}

// sweepEvery is how often recordings whose time is over are erased.
const sweepEvery = time.Hour

// keepRetention erases what is older than the retention, at once and then
// every hour.
func (a *App) keepRetention() {
	ctx, stop := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() {
		defer close(done)
		every := time.NewTicker(sweepEvery)
		defer every.Stop()
		for {
			if n, err := a.recordings.Sweep(ctx, time.Now()); err != nil && ctx.Err() == nil {
				a.log.Error("could not erase recordings whose time is over", "error", err)
			} else if n > 0 {
				a.log.Info("erased recordings whose time is over", "recordings", n)
			}
			select {
			case <-every.C:
			case <-ctx.Done():
				return
			}
		}
	}()
	a.onStop("retention", func(context.Context) error { stop(); <-done; return nil })
}

func (a *App) openHouse(ctx context.Context) error {
	routing := a.cfg.ACD()
	var err error
	if routing.Secret, err = queueSecret(ctx, a.db); err != nil {
		return err
	}
	a.pacer = media.NewPacer()
	a.media = mediaEngine(a.log)
	a.onStop("media", func(context.Context) error { a.media.Close(); return nil })
	a.onStop("pacer", func(context.Context) error { a.pacer.Close(); return nil })
	if err := a.openBots(); err != nil {
		return err
	}
	a.house = newHouse(a.log, a.journal, api.NewAudit(a.db), staff{a.cfg.Queues}, namesOf(a.cfg))
	if err := a.openWayOut(ctx); err != nil {
		return err
	}
	a.house.announce = a.announcer()
	a.house.tasks = a.newTasks()
	a.house.shifts = shifts.Open(a.db, a.log)
	a.onStop("shifts", func(context.Context) error { a.house.shifts.Close(); return nil })
	a.engine = acd.NewEngine(routing, a.log, a.house.inbox.actions)
	a.house.phones = newDeskPhones(a.house, a.log, a.roleOf)
	a.house.start(a.engine)
	a.services.Queues = a.house.figures
	// Stopped after the engine, whose last actions it takes.
	a.onStop("house", func(context.Context) error { a.house.stop(); return nil })
	a.onStop("queues", func(context.Context) error { a.engine.Close(); return nil })
	a.metrics.MustRegister(newGauges(a), a.troubled, a.lineCaps.refused, a.house.alerts)
	if err := restorePlaces(ctx, a.db, a.log, a.engine); err != nil {
		return err
	}
	a.places = keepPlaces(a.db, a.journal, a.log, a.engine, a.cfg.QueueIDs())
	if err := a.house.tasks.begin(ctx); err != nil {
		return fmt.Errorf("take up the tasks of the last run: %w", err)
	}
	a.onStop("tasks", func(context.Context) error { a.house.tasks.close(); return nil })
	return nil
}

func (a *App) openEdges(context.Context) error {
	var err error
	a.seats, err = web.New(a.cfg.WebRTC, web.Options{
		Log: a.log, Pacer: a.pacer, Engine: a.media, House: a.house, Authenticate: a.authenticate, Metrics: a.metrics,
	})
	if err != nil {
		return err
	}
	a.onStop("seats", a.seats.Close)
	a.house.seatOf = a.seats.Seat
	from, to, err := a.cfg.SIP.PortRange()
	if err != nil {
		return err
	}
	ports, err := media.NewPorts(from, to)
	if err != nil {
		return err
	}
	certificates := newFetcher(nil)
	a.onStop("certificates", func(context.Context) error { certificates.close(); return nil })
	a.sip, err = sip.New(a.cfg.SIP, sip.Options{Log: a.log, Pacer: a.pacer, Engine: a.media, Ports: ports, OnCall: a.onCall, OnRefer: a.onRefer, Fetch: certificates.fetchCertificate, Metrics: a.metrics, Phones: a.accounts})
	if err != nil {
		return err
	}
	a.house.phones.use(a.sip)
	a.sip.SetTLS(a.sipTLS)
	a.accounts.WatchPhones(a.phonePassword)
	a.onStop("telephones", a.house.phones.close) // after sip, whose last word they hear
	a.onStop("sip", a.sip.Close)
	a.onStop("trunks", a.closeTrunks)
	a.onStop("calls", a.waitForCalls)
	a.api, err = api.New(a.apiOptions())
	if err != nil {
		return err
	}
	a.accounts.Watch(nil, a.userChanged)
	a.onStop("http", a.api.Close)
	return nil
}

// Start binds every address and begins to serve.
func (a *App) Start(context.Context) error {
	// The pages last: who sees them can use everything.
	for _, start := range []func() error{a.seats.Start, a.sip.Start, a.keepContacts, a.startTrunks, a.startWebhooks, a.api.Start} {
		if err := start(); err != nil {
			return err
		}
	}
	a.started.Store(true)
	return nil
}

// Stop ends everything in the reverse order of New, each step within its time.
// Calls that are up are ended. Stop may be called more than once.
func (a *App) Stop(ctx context.Context) error {
	a.stopOnce.Do(func() {
		a.started.Store(false)
		if a.places != nil { // while the calls are still up
			if err := a.places.close(ctx); err != nil {
				a.stopError = fmt.Errorf("save the queues' state: %w", err)
			}
		}
		a.endCalls()
		for i := len(a.cleanups) - 1; i >= 0; i-- {
			c := a.cleanups[i]
			step, cancel := context.WithTimeout(ctx, stopWithin)
			if err := c.run(step); err != nil {
				a.stopError = errors.Join(a.stopError, fmt.Errorf("stop %s: %w", c.name, err))
			}
			cancel()
		}
	})
	return a.stopError
}
