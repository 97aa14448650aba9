package sip

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/netip"
	"regexp"
	"slices"
	"sync"
	"time"

	"callfloor/contact"
	"callfloor/media/codec"
)

// TrunkState says whether calls go over a trunk.
type TrunkState string

// The states. Refused: the trunk does not take our user and password. Resting:
// it asked for a rest (503 with Retry-After).
const (
	TrunkUnknown TrunkState = "unknown" // nothing was heard of it yet; calls try it
	TrunkUp      TrunkState = "up"
	TrunkDown    TrunkState = "down"
	TrunkRefused TrunkState = "refused"
	TrunkResting TrunkState = "resting"
)

// Trunks are the carriers. It registers with them, asks whether they are
// there, and places calls over them.
type Trunks struct {
	s    *Server
	list []*trunk
	// logins are the trunks that prove by a password that a call is theirs, by
	// their user names.
	logins map[string]*trunk
	dns    *resolver

	ctx  context.Context
	stop context.CancelFunc
	wg   sync.WaitGroup
}

type trunk struct {
	cfg     TrunkConfig
	login   *trunkLogin
	from    []netip.Prefix
	codecs  []codec.ID
	rewrite []rewriting
	callID  string // of its registration
	// loginHA1 are the hashes of its login's password, by algorithm; nil: it has none.
	loginHA1 map[string]string

	mu         sync.Mutex // guards what follows
	state      TrunkState
	since      time.Time
	rest       time.Time // until then it is resting
	refused    bool      // the registration was
	misses     int       // questions in a row that were not answered
	registered time.Time // until then
	seq        uint32
	calls      int
	begun      []time.Time // calls of the last second, at most CallsPerSecond
	placed     uint64
	failed     uint64
	causes     map[string]uint64 // calls that were not answered, see outcome
	minutes    [chartMinutes]trunkMinute
	answer     trunkAnswer // to the last OPTIONS
	lastError  string
	errorAt    time.Time
}

type rewriting struct {
	match *regexp.Regexp
	to    string
}

// NewTrunks makes the trunks of a server; ask is nil but in tests. Calls that
// come in from their networks are theirs from now on (Leg.Trunk).
func NewTrunks(s *Server, list []TrunkConfig, ask Lookup) (*Trunks, error) {
	t := &Trunks{s: s, logins: map[string]*trunk{}, dns: newResolver(ask)}
	t.ctx, t.stop = context.WithCancel(context.Background())
	for _, c := range list {
		if err := c.Validate(); err != nil {
			return nil, fmt.Errorf("trunk %s: %w", c.ID, err)
		}
		password, err := c.secret().password()
		if err != nil {
			return nil, fmt.Errorf("trunk %s: %w", c.ID, err)
		}
		k := &trunk{
			cfg: c, login: &trunkLogin{user: c.User, password: password, realm: c.Realm}, codecs: codecsOf(c.Codecs),
			callID: newTag() + "@callfloor", state: TrunkUnknown, since: time.Now(), causes: map[string]uint64{},
		}
		for _, text := range c.From {
			p, err := parseNetwork(text)
			if err != nil {
				return nil, fmt.Errorf("trunk %s: %w", c.ID, err)
			}
			k.from = append(k.from, p)
		}
		for _, r := range c.Rewrite {
			match, err := regexp.Compile(r.Match)
			if err != nil {
				return nil, fmt.Errorf("trunk %s: %w", c.ID, err)
			}
			k.rewrite = append(k.rewrite, rewriting{match, r.To})
		}
		if err := t.takeLogin(k); err != nil {
			return nil, fmt.Errorf("trunk %s: %w", c.ID, err)
		}
		t.list = append(t.list, k)
	}
	s.trunks.Store(t)
	return t, nil
}

// Start begins to register and to ask. The server must be started.
func (t *Trunks) Start() error {
	for _, k := range t.list {
		t.wg.Go(func() { t.watch(k) })
		if k.cfg.Register {
			t.wg.Go(func() { t.register(k) })
		}
	}
	return nil
}

// Close ends the registrations and waits for everything that was begun, or
// until ctx is done.
func (t *Trunks) Close(ctx context.Context) error {
	t.stop()
	done := make(chan struct{})
	go func() {
		defer close(done)
		t.wg.Wait()
	}()
	select {
	case <-done:
		return nil
	case <-ctx.Done():
		return fmt.Errorf("close the trunks: a registration was not ended in time: %w", context.Cause(ctx))
	}
}

// stateAt is the state with what passes by itself. k.mu is held.
func (k *trunk) stateAt(now time.Time) TrunkState {
	switch {
	case k.refused:
		return TrunkRefused
	case now.Before(k.rest) && k.state != TrunkDown:
		return TrunkResting
	}
	return k.state
}

// set changes the state. k.mu is held.
func (t *Trunks) set(k *trunk, state TrunkState, why string) {
	if why != "" {
		k.lastError, k.errorAt = why, time.Now()
	}
	if k.state == state {
		return
	}
	k.state, k.since = state, time.Now()
	if state == TrunkDown {
		t.s.log.Warn("a trunk is down; calls go over the others of its group", "trunk", k.cfg.ID, "error", why)
	} else {
		t.s.log.Info("a trunk is "+string(state), "trunk", k.cfg.ID)
	}
}

func groupName(group string) string { return TrunkConfig{Group: group}.group() }

// choose orders the trunks of a group that can be tried: by order, those of one
// order drawn by weight. Those that have not answered are left out, unless
// nothing else is there.
func (t *Trunks) choose(group string, now time.Time) []*trunk {
	type drawn struct {
		k   *trunk
		key float64
	}
	var all []drawn
	for _, k := range t.list {
		k.mu.Lock()
		state := k.stateAt(now)
		k.mu.Unlock()
		if k.cfg.group() != groupName(group) || state != TrunkUp && state != TrunkUnknown {
			continue
		}
		all = append(all, drawn{k, rand.ExpFloat64() / float64(max(k.cfg.Weight, 1))})
	}
	slices.SortStableFunc(all, func(a, b drawn) int {
		return cmp.Or(cmp.Compare(a.k.cfg.Order, b.k.cfg.Order), cmp.Compare(a.key, b.key))
	})
	out := make([]*trunk, len(all))
	for i, d := range all {
		out[i] = d.k
	}
	return out
}

// errFull says that a trunk has no room.
var errFull = errors.New("it has no room for another call")

// take gives a call its place on the trunk, or says that there is none.
func (k *trunk) take(now time.Time, urgent bool) error {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.begun = slices.DeleteFunc(k.begun, func(at time.Time) bool { return now.Sub(at) >= time.Second })
	if !urgent && (k.cfg.MaxCalls > 0 && k.calls >= k.cfg.MaxCalls || k.cfg.CallsPerSecond > 0 && len(k.begun) >= k.cfg.CallsPerSecond) {
		k.causes["full"]++
		return errFull
	}
	if k.cfg.CallsPerSecond > 0 {
		k.begun = append(k.begun, now)
	}
	k.calls++
	k.placed++
	k.minute(now).Placed++
	return nil
}

// gave takes the outcome of a call: a place that was not needed is given back,
// and a trunk that asks for a rest gets it.
func (k *trunk) gave(err error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if err == nil {
		return // carry gives it back at the call's end
	}
	k.calls--
	k.causes[outcome(err)]++
	if !elsewhere(err) {
		return // the number's fault, not the trunk's
	}
	k.failed++
	k.minute(time.Now()).Failed++
	k.lastError, k.errorAt = printable(err.Error(), 200), time.Now()
	if e, ok := errors.AsType[*RejectedError](err); ok && e.Status == 503 && e.RetryAfter > 0 {
		k.rest = time.Now().Add(min(e.RetryAfter, maxRest))
	}
}

// maxRest bounds what a Retry-After can do.
const maxRest = 10 * time.Minute

// carry gives the place back when the call has ended.
func (t *Trunks) carry(k *trunk, l *Leg) {
	t.s.wg.Go(func() {
		<-l.gone
		k.mu.Lock()
		k.calls--
		k.mu.Unlock()
	})
}

// of is the trunk that an address alone shows; nil if none.
func (t *Trunks) of(ip netip.Addr) *trunk {
	if k := t.at(ip); k != nil && k.loginHA1 == nil {
		return k
	}
	return nil
}

// Trunk is the trunk that the call came in or went out over; "" if none.
func (l *Leg) Trunk() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.trunk
}

// TrunkLine is the line that the trunk of an inbound call names for calls to
// the contact that we registered; "" if there is none.
func (l *Leg) TrunkLine() contact.LineID {
	k := l.from
	if k == nil || k.cfg.Line == "" || l.called != contactUser && l.called != k.cfg.User {
		return ""
	}
	return contact.LineID(k.cfg.Line)
}
