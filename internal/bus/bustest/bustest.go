// Package bustest is for tests: the conformance suite that every kind of Bus
// must pass.
package bustest

import (
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"callfloor/internal/bus"
)

// Bus runs the conformance suite; open returns a new bus, which the suite
// closes.
func Bus(t *testing.T, open func(t *testing.T) bus.Bus) {
	for _, c := range []struct {
		name string
		test func(*testing.T, bus.Bus)
	}{
		{"Patterns", patterns},
		{"OnlyWhatComesAfter", onlyAfter},
		{"Order", order},
		{"SlowReader", slowReader},
		{"CloseSubscription", closeSubscription},
		{"CloseBus", closeBus},
		{"Invalid", invalid},
		{"Concurrent", concurrent},
	} {
		t.Run(c.name, func(t *testing.T) {
			b := open(t)
			defer b.Close()
			c.test(t, b)
		})
	}
}

// next waits for a message: a bus may deliver late, but not never.
func next(t *testing.T, s *bus.Subscription) string {
	t.Helper()
	select {
	case m, ok := <-s.C():
		if !ok {
			t.Fatal("the subscription is closed")
		}
		return m.Topic + " " + string(m.Payload)
	case <-time.After(10 * time.Second):
		t.Fatal("no message came")
		return ""
	}
}

// drained reads what is there until the channel closes.
func drained(s *bus.Subscription) []string {
	var got []string
	for m := range s.C() {
		got = append(got, m.Topic+" "+string(m.Payload))
	}
	return got
}

func patterns(t *testing.T, b bus.Bus) {
	topics := []string{"a", "a.b", "a.c", "a.b.c", "b.b", "b"}
	subs := map[string]*bus.Subscription{}
	for _, p := range []string{"a.b", "a.*", "*.b", "*", ">", "a.>", "a.*.c", "*.*", "none.>"} {
		subs[p] = b.Subscribe(p, 16)
	}
	for _, topic := range topics {
		b.Publish(topic, []byte("x"))
	}
	for p, s := range subs {
		var want []string
		for _, topic := range topics {
			if bus.Match(p, topic) {
				want = append(want, topic+" x")
			}
		}
		var got []string
		for range want {
			got = append(got, next(t, s))
		}
		s.Close()
		if got = append(got, drained(s)...); !slices.Equal(got, want) || s.Missed() != 0 {
			t.Errorf("%s got %q (missed %d), want %q", p, got, s.Missed(), want)
		}
	}
}

func onlyAfter(t *testing.T, b bus.Bus) {
	b.Publish("a", []byte("before"))
	s := b.Subscribe("a", 4)
	b.Publish("a", []byte("after"))
	if got := next(t, s); got != "a after" {
		t.Errorf("got %q", got)
	}
}

func order(t *testing.T, b bus.Bus) {
	s := b.Subscribe("n.>", 1000)
	for i := range 1000 {
		b.Publish(fmt.Sprintf("n.%d", i%3), fmt.Append(nil, i))
	}
	for i := range 1000 {
		if got, want := next(t, s), fmt.Sprintf("n.%d %d", i%3, i); got != want {
			t.Fatalf("number %d is %q", i, got)
		}
	}
}

// A reader that does not read loses messages and knows how many; the others
// lose nothing, and Publish does not wait.
func slowReader(t *testing.T, b bus.Bus) {
	slow, quick := b.Subscribe("a", 2), b.Subscribe("a", 10)
	for i := range 10 {
		b.Publish("a", fmt.Append(nil, i))
	}
	for i := range 10 {
		if got := next(t, quick); got != fmt.Sprint("a ", i) {
			t.Errorf("the quick one got %q", got)
		}
	}
	if got := []string{next(t, slow), next(t, slow)}; !slices.Equal(got, []string{"a 0", "a 1"}) {
		t.Errorf("the slow one got %q", got)
	}
	if slow.Missed() != 8 || quick.Missed() != 0 {
		t.Errorf("missed %d and %d, want 8 and 0", slow.Missed(), quick.Missed())
	}
	b.Publish("a", []byte("again"))
	if got := next(t, slow); got != "a again" {
		t.Errorf("with room again the slow one got %q", got)
	}
}

func closeSubscription(t *testing.T, b bus.Bus) {
	s, other := b.Subscribe("a", 4), b.Subscribe("a", 4)
	b.Publish("a", []byte("1"))
	next(t, other)
	s.Close()
	s.Close()
	b.Publish("a", []byte("2"))
	if got := drained(s); len(got) > 1 || s.Missed() != 0 {
		t.Errorf("after Close %q came, missed %d", got, s.Missed())
	}
	if got := next(t, other); got != "a 2" {
		t.Errorf("the other got %q", got)
	}
}

func closeBus(t *testing.T, b bus.Bus) {
	s := b.Subscribe(">", 4)
	b.Close()
	b.Close()
	b.Publish("a", nil)
	late := b.Subscribe("a", 4)
	if got := append(drained(s), drained(late)...); len(got) != 0 {
		t.Errorf("a closed bus delivered %q", got)
	}
	s.Close()
	late.Close()
}

func invalid(t *testing.T, b bus.Bus) {
	all := b.Subscribe(">", 16)
	for _, topic := range []string{"", ".", "a.", ".a", "a..b", "*", "a.*", ">", "a.>", "a b", "a\n", strings.Repeat("a", 256)} {
		b.Publish(topic, []byte("x"))
	}
	for _, pattern := range []string{"", ".", "a.", "a..b", "a*", ">.a", "a.>.b", "a b", strings.Repeat("a", 256)} {
		if got := drained(b.Subscribe(pattern, 4)); len(got) != 0 {
			t.Errorf("%q got %q", pattern, got)
		}
	}
	b.Publish("good", nil)
	if got := next(t, all); got != "good " {
		t.Errorf("got %q", got)
	}
	one := b.Subscribe("one", -1)
	b.Publish("one", []byte("x"))
	if got := next(t, one); got != "one x" {
		t.Errorf("with a size of -1: %q", got)
	}
}

// Everything at once, for the race detector; each publisher's messages keep
// their order, and what was not delivered was counted.
func concurrent(t *testing.T, b bus.Bus) {
	const publishers, each = 4, 500
	var work, readers sync.WaitGroup
	for range 4 {
		s := b.Subscribe("p.*", 64)
		readers.Go(func() {
			last, got := map[string]int{}, 0
			for m := range s.C() {
				got++
				var i int
				if _, err := fmt.Sscan(string(m.Payload), &i); err != nil || i <= last[m.Topic] {
					t.Errorf("%s: %q after %d", m.Topic, m.Payload, last[m.Topic])
				}
				last[m.Topic] = i
			}
			if total := got + int(s.Missed()); total != publishers*each {
				t.Errorf("%d came and %d were missed of %d", got, s.Missed(), publishers*each)
			}
		})
	}
	for p := range publishers {
		work.Go(func() {
			for i := range each {
				b.Publish(fmt.Sprintf("p.%d", p), fmt.Append(nil, i+1))
			}
		})
		work.Go(func() {
			for range each / 10 {
				s := b.Subscribe(">", 1)
				s.Close()
			}
		})
	}
	work.Wait()
	b.Close()
	readers.Wait()
}
