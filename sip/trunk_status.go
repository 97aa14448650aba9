package sip

import (
	"errors"
	"maps"
	"strconv"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// TrunkStatus is how a trunk stands.
type TrunkStatus struct {
	ID    string     `json:"id"`
	Group string     `json:"group"`
	State TrunkState `json:"state"`
	// Since is when that began.
	Since time.Time `json:"since"`
	// Order and Weight are its turn within the group, Transport what is
	// configured ("": what NAPTR says).
	Order     int    `json:"order"`
	Weight    int    `json:"weight"`
	Transport string `json:"transport"`
	// Registers says that it is registered with, Registered until when that
	// holds; null without one.
	Registers  bool       `json:"registers"`
	Registered *time.Time `json:"registered"`
	// Login says that its calls to us must prove a password.
	Login bool `json:"login"`
	// Calls are out over it now, Inbound came in over it; Placed and Failed count
	// since the start. MaxCalls, MaxCallsIn and CallsPerSecond are its caps, 0 is none.
	Calls          int    `json:"calls"`
	Inbound        int    `json:"inbound"`
	MaxCalls       int    `json:"max_calls"`
	MaxCallsIn     int    `json:"max_calls_in"`
	CallsPerSecond int    `json:"calls_per_second"`
	Placed         uint64 `json:"placed"`
	Failed         uint64 `json:"failed"`
	// Causes count the calls that were not answered: by the status that the trunk
	// gave ("486", "401"), "silent", "full", or "given_up" by us.
	Causes map[string]uint64 `json:"causes"`
	// Minutes are the calls of the last hour, the oldest minute first.
	Minutes []TrunkMinute `json:"minutes"`
	// Answer is what came of the last OPTIONS, AnswerMS how long that took and
	// AnswerAt when it was; null before the first.
	Answer   *string    `json:"answer"`
	AnswerMS *float64   `json:"answer_ms"`
	AnswerAt *time.Time `json:"answer_at"`
	// Error is what went wrong last, and At when; null if nothing did.
	Error *string    `json:"error"`
	At    *time.Time `json:"error_at"`
	Hosts []string   `json:"hosts"`
}

// Usable says that a call would be tried over the trunk now, if it has room.
func (s TrunkStatus) Usable() bool { return s.State == TrunkUp || s.State == TrunkUnknown }

// TrunkMinute are the calls that a trunk was asked to carry within one minute.
type TrunkMinute struct {
	Placed int `json:"placed"`
	Failed int `json:"failed"`
}

// chartMinutes is how many minutes are kept.
const chartMinutes = 60

type trunkMinute struct {
	number int64 // since 1970
	TrunkMinute
}

type trunkAnswer struct {
	text string // "200 OK", or why none came
	took time.Duration
	at   time.Time
}

// minute is the figure of the minute of now. k.mu is held.
func (k *trunk) minute(now time.Time) *trunkMinute {
	n := now.Unix() / 60
	m := &k.minutes[n%chartMinutes]
	if m.number != n {
		*m = trunkMinute{number: n}
	}
	return m
}

// outcome is the word for why a call over a trunk was not answered.
func outcome(err error) string {
	if e, ok := errors.AsType[*RejectedError](err); ok {
		return strconv.Itoa(e.Status)
	}
	if _, silent := errors.AsType[*unreachableError](err); silent {
		return "silent"
	}
	return "given_up"
}

// answered notes what came of OPTIONS. k.mu is held.
func (k *trunk) answered(status int, reason string, err error, took time.Duration) {
	text := strconv.Itoa(status) + " " + printable(reason, 64)
	if status == 0 {
		text = printable(err.Error(), 200)
	}
	k.answer = trunkAnswer{text, took, time.Now()}
}

// Status returns how every trunk stands, in the order of the configuration.
func (t *Trunks) Status() []TrunkStatus {
	inbound := map[*trunk]int{}
	t.s.mu.Lock()
	for _, l := range t.s.legs {
		if l.from != nil {
			inbound[l.from]++
		}
	}
	t.s.mu.Unlock()
	out := make([]TrunkStatus, 0, len(t.list))
	for _, k := range t.list {
		s := k.status(time.Now())
		s.Inbound = inbound[k]
		out = append(out, s)
	}
	return out
}

func (k *trunk) status(now time.Time) TrunkStatus {
	k.mu.Lock()
	defer k.mu.Unlock()
	s := TrunkStatus{
		ID: k.cfg.ID, Group: k.cfg.group(), State: k.stateAt(now), Since: k.since,
		Order: k.cfg.Order, Weight: max(k.cfg.Weight, 1), Transport: k.cfg.Transport, Registers: k.cfg.Register, Login: k.loginHA1 != nil,
		Calls: k.calls, MaxCalls: k.cfg.MaxCalls, MaxCallsIn: k.cfg.MaxCallsIn, CallsPerSecond: k.cfg.CallsPerSecond, Placed: k.placed, Failed: k.failed,
		Causes: maps.Clone(k.causes), Minutes: make([]TrunkMinute, chartMinutes), Hosts: k.cfg.Hosts,
	}
	if k.registered.After(now) {
		until := k.registered
		s.Registered = &until
	}
	if a := k.answer; !a.at.IsZero() {
		ms := float64(a.took.Microseconds()) / 1000
		s.Answer, s.AnswerMS, s.AnswerAt = &a.text, &ms, &a.at
	}
	if k.lastError != "" {
		text, at := k.lastError, k.errorAt
		s.Error, s.At = &text, &at
	}
	first := now.Unix()/60 - chartMinutes + 1
	for i := range s.Minutes {
		if m := k.minutes[(first+int64(i))%chartMinutes]; m.number == first+int64(i) {
			s.Minutes[i] = m.TrunkMinute
		}
	}
	return s
}

// trunkFigures are the trunks' metrics.
type trunkFigures struct {
	t                         *Trunks
	up, calls, placed, failed *prometheus.Desc
}

// Figures returns the trunks' metrics.
func (t *Trunks) Figures() prometheus.Collector {
	d := func(name, help string) *prometheus.Desc {
		return prometheus.NewDesc("callfloor_trunk_"+name, help, []string{"trunk"}, nil)
	}
	return &trunkFigures{
		t: t, up: d("up", "1 when calls go over the trunk."), calls: d("calls", "Calls that are out over the trunk."),
		placed: d("placed_total", "Calls that the trunk was asked to carry."), failed: d("failed_total", "Calls that the trunk could not carry."),
	}
}

// Describe implements prometheus.Collector.
func (f *trunkFigures) Describe(ch chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{f.up, f.calls, f.placed, f.failed} {
		ch <- d
	}
}

// Collect implements prometheus.Collector.
func (f *trunkFigures) Collect(ch chan<- prometheus.Metric) {
	for _, s := range f.t.Status() {
		up := 0.0
		if s.Usable() {
			up = 1
		}
		ch <- prometheus.MustNewConstMetric(f.up, prometheus.GaugeValue, up, s.ID)
		ch <- prometheus.MustNewConstMetric(f.calls, prometheus.GaugeValue, float64(s.Calls), s.ID)
		ch <- prometheus.MustNewConstMetric(f.placed, prometheus.CounterValue, float64(s.Placed), s.ID)
		ch <- prometheus.MustNewConstMetric(f.failed, prometheus.CounterValue, float64(s.Failed), s.ID)
	}
}
