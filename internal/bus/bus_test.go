package bus_test

import (
	"regexp"
	"strings"
	"testing"

	"callfloor/internal/bus"
	"callfloor/internal/bus/bustest"
	"go.uber.org/goleak"
	"pgregory.net/rapid"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestLocal(t *testing.T) {
	bustest.Bus(t, func(*testing.T) bus.Bus { return bus.NewLocal() })
}

func TestMatch(t *testing.T) {
	for _, c := range []struct {
		pattern, topic string
		want           bool
	}{
		{"a", "a", true},
		{"a", "b", false},
		{"a", "a.b", false},
		{"a.b", "a", false},
		{"a.*", "a.b", true},
		{"a.*", "a", false},
		{"a.*", "a.b.c", false},
		{"*.*", "a.b", true},
		{"*.b.*", "a.b.c", true},
		{">", "a", true},
		{">", "a.b.c", true},
		{"a.>", "a.b.c", true},
		{"a.>", "a", false},
		{"a.*.>", "a.b", false},
		{"a.*.>", "a.b.c.d", true},
		{"ab", "a", false},
		{"a", "ab", false},
	} {
		if got := bus.Match(c.pattern, c.topic); got != c.want {
			t.Errorf("%s matches %s: %v, want %v", c.pattern, c.topic, got, c.want)
		}
	}
}

var (
	topics   = rapid.StringMatching(`[abc](\.[abc]){0,4}`)
	patterns = rapid.StringMatching(`([abc]|\*)(\.([abc]|\*)){0,3}(\.>)?|>`)
)

// Match is what a regular expression made of the pattern says.
func TestMatchProperty(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		pattern, topic := patterns.Draw(t, "pattern"), topics.Draw(t, "topic")
		if !bus.ValidPattern(pattern) || !bus.ValidTopic(topic) {
			t.Fatalf("%q or %q is not valid", pattern, topic)
		}
		expr := strings.NewReplacer(".", `\.`, "*", `[^.]+`, ">", `.+`).Replace(pattern)
		want := regexp.MustCompile(`^(?:` + expr + `)$`).MatchString(topic)
		if got := bus.Match(pattern, topic); got != want {
			t.Fatalf("%s matches %s: %v, want %v", pattern, topic, got, want)
		}
		if !bus.Match(topic, topic) {
			t.Fatalf("%s does not match itself", topic)
		}
	})
}

// Names come from calls and people: nothing may panic, and what is valid as a
// topic is valid as a pattern and matches itself only.
func FuzzNames(f *testing.F) {
	for _, s := range []string{"", "a", "a.b", "a.*", ">", "a.>", "..", "a..b", "a b", "*.*.>"} {
		f.Add(s, "a.b")
	}
	f.Fuzz(func(t *testing.T, a, b string) {
		matched := bus.Match(a, b)
		if bus.ValidTopic(a) && (!bus.ValidPattern(a) || matched != (a == b)) {
			t.Errorf("%q and %q", a, b)
		}
	})
}

func TestPublishAllocatesNothing(t *testing.T) {
	l := bus.NewLocal()
	defer l.Close()
	s := l.Subscribe("call.*", 1)
	payload := []byte("x")
	if n := testing.AllocsPerRun(1000, func() {
		l.Publish("call.ended", payload)
		<-s.C()
	}); n != 0 {
		t.Errorf("%v allocations for each message", n)
	}
}

func BenchmarkPublish(b *testing.B) {
	l := bus.NewLocal()
	defer l.Close()
	for _, p := range []string{"call.*", "agent.>", "queue.sales", "call.ended"} {
		l.Subscribe(p, 1)
	}
	payload := []byte("x")
	b.ReportAllocs()
	for b.Loop() {
		l.Publish("call.ended", payload)
	}
}
