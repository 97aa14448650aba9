//go:build unix

package acd

import (
	"fmt"
	"strconv"
	"syscall"
	"testing"
	"time"

	"callfloor/contact"
)

// BenchmarkDecisions is workload W8: 10,000 contacts wait in 20 queues for
// 5,000 agents who serve three queues each and are all busy. One round is a
// whole call: a contact comes, an agent ends a call and its wrap-up, is
// offered the head of its queues (the decision) and accepts.
func BenchmarkDecisions(b *testing.B) {
	b.Run("20 queues", func(b *testing.B) { benchmarkDecisions(b, 20, 3) })
	b.Run("1 queue", func(b *testing.B) { benchmarkDecisions(b, 1, 1) })
}

func benchmarkDecisions(b *testing.B, queues, each int) {
	const waiting, agents = 10_000, 5_000
	cfg := DefaultConfig()
	for i := range queues {
		cfg.Queues = append(cfg.Queues, QueueConfig{ID: contact.QueueID(fmt.Sprint("queue", i))})
	}
	s := New(cfg)
	now := epoch
	serial := 0
	arrive := func() {
		serial++
		s.Step(now, ContactQueued{Contact: contact.ID(strconv.Itoa(serial)), Queue: cfg.Queues[serial%queues].ID, Since: now})
	}
	ids := make([]contact.AgentID, agents)
	for i := range ids {
		ids[i] = contact.AgentID(fmt.Sprint("agent", i))
		var mine []contact.QueueID
		for j := range each {
			mine = append(mine, cfg.Queues[(i+j*7)%queues].ID)
		}
		s.Step(now, AgentAdded{ids[i], mine})
		s.Step(now, SeatReady{Agent: ids[i], Ready: true})
		s.Step(now, AgentWants{Agent: ids[i], State: contact.AgentAvailable})
	}
	for range waiting + agents {
		arrive()
	}
	answer := func(id contact.AgentID) {
		st, _ := s.Agent(id)
		if st.State != contact.AgentOffered {
			b.Fatalf("%s is %s", id, st.State)
		}
		s.Step(now, OfferAccepted{id, st.Contact})
	}
	for _, id := range ids {
		answer(id)
	}
	b.ReportAllocs()
	steps := 0
	cpu := processTime(b)
	for b.Loop() {
		now = now.Add(100 * time.Microsecond)
		id := ids[steps/4%agents]
		st, _ := s.Agent(id)
		arrive()
		s.Step(now, ContactReleased{st.Contact, id})
		s.Step(now, WrapUpDone{Agent: id})
		answer(id)
		steps += 4
	}
	cpu = processTime(b) - cpu
	b.ReportMetric(float64(steps/4)/cpu.Seconds(), "decisions/core-s")
	b.ReportMetric(float64(steps)/cpu.Seconds(), "steps/core-s")
}

// processTime is the CPU time that the process has used, garbage collection
// included: on a busy machine the wall clock says little.
func processTime(b *testing.B) time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
