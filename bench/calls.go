//go:build linux

package main

import (
	"fmt"
	"slices"
	"time"
)

// dialAll calls the line n times, some 20 in a second as customers do not come
// at once, and returns how long each took to be answered.
func (b *bench) dialAll(g *generator, c *callers, line string, n int) (all []*dialog, setup []sample, err error) {
	for range n {
		l, err := g.phone()
		if err != nil {
			return all, setup, err
		}
		d, err := c.call(line, l)
		if err != nil {
			return all, setup, err
		}
		all, setup = append(all, d), append(setup, sample{delay: d.setup})
		time.Sleep(50 * time.Millisecond)
	}
	return all, setup, nil
}

// menu is one run of W2.
func (b *bench) menu(n int) (_ row, err error) {
	defer named(&err, "W2", ours, n)
	h, err := b.house()
	if err != nil {
		return row{}, err
	}
	defer h.close()
	s, g, c := h.server, h.phones, h.sip
	calls, setup, err := b.dialAll(g, c, lineMenu, n)
	if err != nil {
		return row{}, err
	}
	time.Sleep(b.settle)
	w, err := g.measure(s.process, b.window, nil)
	if err != nil {
		return row{}, err
	}
	r := w.row("W2", ours, n)
	f := r.Figures
	delete(f, "loss_percent") // nothing comes back
	f["us_per_packet"] = w.CPU / 100 * 1e6 * b.window.Seconds() / float64(max(w.Received, 1))
	f["setup_p50_ms"], f["setup_p95_ms"] = quantile(setup, 0.5), quantile(setup, 0.95)
	for _, d := range calls {
		d.leg.press()
	}
	heard := 0
	for range 100 {
		heard = 0
		for _, d := range calls {
			if d.ended.Load() {
				heard++
			}
		}
		if heard == n {
			break
		}
		time.Sleep(50 * time.Millisecond)
	}
	f["digits_percent"] = 100 * float64(heard) / float64(n)
	return r, nil
}

// named says in an error which run it was.
func named(err *error, workload, server string, n int) {
	if *err != nil {
		*err = fmt.Errorf("%s, %s, %d calls: %w", workload, server, n, *err)
	}
}

// house is the product, the phones and their SIP.
type house struct {
	server *product
	phones *generator
	sip    *callers
}

// house starts them and makes some calls, so that what is made once is not
// counted with the first of those that are measured.
func (b *bench) house(env ...string) (_ *house, err error) {
	h := &house{}
	defer func() {
		if err != nil {
			h.close()
		}
	}()
	if h.server, err = b.serve(env...); err != nil {
		return nil, err
	}
	if h.phones, err = newGenerator(); err != nil {
		return nil, err
	}
	if h.sip, err = newCallers(h.server.sip); err != nil {
		return nil, err
	}
	calls, _, err := b.dialAll(h.phones, h.sip, lineMenu, 5)
	for _, d := range calls {
		d.hangUp()
	}
	time.Sleep(time.Second)
	return h, err
}

// close ends what was started.
func (h *house) close() {
	if h.sip != nil {
		h.sip.close()
	}
	if h.phones != nil {
		h.phones.close()
	}
	if h.server != nil {
		h.server.stop()
	}
}

// seated is one run of W4 or W6: n calls between phones and seats.
func (b *bench) seated(workload, name, line string, n int, env ...string) (_ row, err error) {
	defer named(&err, workload, name, n)
	h, err := b.house(env...)
	if err != nil {
		return row{}, err
	}
	defer h.close()
	s, g, c := h.server, h.phones, h.sip
	agents, err := b.seat(s, g, n)
	if err != nil {
		return row{}, err
	}
	defer agents.close()
	calls, setup, err := b.dialAll(g, c, line, n)
	if err != nil {
		return row{}, err
	}
	if err := agents.wait(n); err != nil {
		return row{}, err
	}
	time.Sleep(b.settle)
	agents.toUs.Lock()
	agents.toUs.delays = nil
	agents.toUs.Unlock()
	w, err := g.measure(s.process, b.window, nil)
	if err != nil {
		return row{}, err
	}
	agents.toUs.Lock()
	toSeat := w.own(agents.toUs.delays)
	agents.toUs.Unlock()
	toPhone := w.Delays
	w.Delays = append(append([]sample{}, toPhone...), toSeat...)
	r := w.row(workload, name, n)
	f := r.Figures
	f["to_phone_p50_ms"], f["to_seat_p50_ms"] = quantile(toPhone, 0.5), quantile(toSeat, 0.5)
	f["setup_p50_ms"], f["setup_p95_ms"] = quantile(setup, 0.5), quantile(setup, 0.95)
	answer := agents.answerTimes(calls)
	f["answer_p50_ms"], f["answer_p95_ms"] = quantile(answer, 0.5), quantile(answer, 0.95)
	if most := b.upTo(200); line == lineRecorded && len(b.busy) == 0 && n == slices.Max(most) && hasPerf() {
		return r, b.look(s.process, 5*time.Second)
	}
	return r, nil
}

// memory is one run of the memory that n seats and then n calls take. The
// server collects garbage often and gives what is free back, so that what is
// resident is what is used.
func (b *bench) memory(n int) (row, error) {
	h, err := b.house("GOGC=20", "GOMEMLIMIT=40MiB")
	if err != nil {
		return row{}, err
	}
	defer h.close()
	s, g, c := h.server, h.phones, h.sip
	r := row{Figures: map[string]float64{}}
	before := s.settled()
	if _, _, err := b.dialAll(g, c, lineMenu, n); err != nil {
		return row{}, err
	}
	r.Figures["rss_kb_per_menu"] = (s.settled() - before) / 1024 / float64(n)
	c.hangUp()
	before = s.settled()
	agents, err := b.seat(s, g, n)
	if err != nil {
		return row{}, err
	}
	defer agents.close()
	seats := s.settled()
	r.Figures["rss_kb_per_seat"] = (seats - before) / 1024 / float64(n)
	if _, _, err = b.dialAll(g, c, lineRecorded, n); err != nil {
		return row{}, err
	}
	if err := agents.wait(n); err != nil {
		return row{}, err
	}
	r.Figures["rss_kb_per_call"] = (s.settled() - seats) / 1024 / float64(n)
	return r, nil
}

// wait waits until n seats have a call.
func (a *seats) wait(n int) error {
	for range 600 {
		if a.talking() >= n {
			return nil
		}
		time.Sleep(50 * time.Millisecond)
	}
	return fmt.Errorf("%d of %d calls were answered by a seat within 30 s", a.talking(), n)
}

// answerTimes pairs each answer with the phone that heard the seat first after
// it.
func (a *seats) answerTimes(calls []*dialog) []sample {
	var all []sample
	for _, s := range a.all {
		at, best := s.answered.Load(), int64(0)
		for _, d := range calls {
			if first := d.leg.first.Load(); first >= at && (best == 0 || first < best) {
				best = first
			}
		}
		if at != 0 && best != 0 {
			all = append(all, sample{delay: time.Duration(best - at)})
		}
	}
	return all
}
