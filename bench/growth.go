//go:build linux

package main

import (
	"errors"
	"fmt"
)

// What a server must keep for its calls to count as carried.
const (
	mostLoss = 0.1 // %
	mostCPU  = 95  // % of its core
	firstTry = 100 // calls
	lastTry  = 6400
)

// runGrowth finds how many bridged calls each server carries on its core.
func runGrowth(b *bench, pass int) error {
	if pass > 1 {
		return nil
	}
	var errs []error
	for _, s := range bridgers() {
		errs = append(errs, b.once("growth", s.name, 0, pass, func() (row, error) { return b.grow(s) }))
	}
	return errors.Join(errs...)
}

// grow finds the most that s carries.
func (b *bench) grow(s bridged) (row, error) {
	best := row{Figures: map[string]float64{}}
	most, err := search(func(n int) (bool, error) {
		if b.ctx.Err() != nil {
			return false, b.ctx.Err()
		}
		r, why, err := b.carries(s, n)
		if err == nil && why == "" {
			best.Figures = r.Figures
		} else if err == nil {
			best.Note = fmt.Sprintf("with %d: %s", n, why)
		}
		return why == "", err
	})
	if err == nil && most == 0 {
		err = fmt.Errorf("growth, %s: %s", s.name, best.Note)
	}
	best.Figures["most"] = float64(most)
	delete(best.Figures, "cpu_s_per_call_s")
	return best, err
}

// search doubles a number until it is not carried, and then halves the distance
// until it is a tenth.
func search(carried func(n int) (bool, error)) (most int, err error) {
	tooMany := 0
	for n := firstTry; n <= lastTry; {
		ok, err := carried(n)
		if err != nil {
			return most, err
		}
		if ok {
			most = n
		} else {
			tooMany = n
		}
		switch {
		case tooMany == 0:
			n *= 2
		case tooMany-most <= max(tooMany/10, 1):
			return most, nil
		default:
			n = (most + tooMany) / 2
		}
	}
	return most, nil
}

// carries tries n calls; why is what was too much, "" if nothing was.
func (b *bench) carries(s bridged, n int) (_ row, why string, err error) {
	defer named(&err, "growth", s.name, n)
	t, err := b.talk(s, n)
	if err != nil {
		return row{}, "", err
	}
	defer t.close()
	w, err := t.measure(t.process, b.window, nil)
	if errors.Is(err, errStarved) {
		return row{}, "the generator's core is full, not the server's", nil
	}
	if err != nil {
		return row{}, "", err
	}
	r := w.row("growth", s.name, n)
	switch {
	case r.Figures["loss_percent"] > mostLoss:
		why = fmt.Sprintf("%.2f %% lost, %.0f %% of the core", r.Figures["loss_percent"], w.CPU)
	case w.CPU > mostCPU:
		why = fmt.Sprintf("%.0f %% of the core", w.CPU)
	}
	return r, why, nil
}
