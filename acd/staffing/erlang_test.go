package staffing

import (
	"math"
	"testing"
	"time"

	"pgregory.net/rapid"
)

func near(t *testing.T, what string, got, want, within float64) {
	t.Helper()
	if math.IsNaN(got) || math.Abs(got-want) > within {
		t.Errorf("%s is %v, want %v ± %v", what, got, want, within)
	}
}

// TestKnownVector: 100 calls in 30 min of 180 s, 80 % in 20 s, from the
// documentation of the R package ErlangC and others.
func TestKnownVector(t *testing.T) {
	l := Load{PerHour: 200, Handle: 3 * time.Minute}
	r, err := Agents(l, 0.8, 20*time.Second, 1000)
	if err != nil {
		t.Fatal(err)
	}
	near(t, "agents", float64(r.Agents), 14, 0)
	near(t, "service level", r.ServiceLevel, 0.888, 0.0005)
	near(t, "ASA", r.ASA.Seconds(), 7.8, 0.05)
	near(t, "occupancy", r.Occupancy, 0.714, 0.0005)
}

func TestErlangBKnown(t *testing.T) {
	near(t, "B(1, 1)", ErlangB(1, 1), 0.5, 1e-15)
	near(t, "B(2, 1)", ErlangB(2, 1), 0.2, 1e-15)
	near(t, "B(100, 84.064)", ErlangB(100, 84.064), 0.01, 1e-6) // the usual tables
	near(t, "C(2, 1)", ErlangC(2, 1), 1.0/3, 1e-15)
	near(t, "C(3, 3)", ErlangC(3, 3), 1, 0)
}

// TestOneAgentByHand: M/M/1+M with lambda = mu = theta is Poisson of mean 1.
func TestOneAgentByHand(t *testing.T) {
	r := Run(Load{PerHour: 3600, Handle: time.Second, Patience: time.Second}, 1, 0)
	near(t, "wait", r.Wait, 1-1/math.E, 1e-12)
	near(t, "answered at once", r.ServiceLevel, 1/math.E, 1e-12)
	near(t, "abandoned", r.Abandoned, 1/math.E, 1e-12) // E[(N-1)+] = e^-1
	near(t, "occupancy", r.Occupancy, 1-1/math.E, 1e-12)
}

// TestPatienceWithoutEnd: very patient callers are those of Erlang C.
func TestPatienceWithoutEnd(t *testing.T) {
	c := Run(Load{PerHour: 200, Handle: 3 * time.Minute}, 14, 20*time.Second)
	a := Run(Load{PerHour: 200, Handle: 3 * time.Minute, Patience: 10000 * time.Hour}, 14, 20*time.Second)
	near(t, "service level", a.ServiceLevel, c.ServiceLevel, 1e-5)
	near(t, "ASA", a.ASA.Seconds(), c.ASA.Seconds(), 1e-3)
	near(t, "wait", a.Wait, c.Wait, 1e-5)
}

// TestSane holds for any load, small and huge.
func TestSane(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		l := Load{
			PerHour:  rapid.Float64Range(0.1, 200_000).Draw(t, "per hour"),
			Handle:   time.Duration(rapid.IntRange(1, 3600).Draw(t, "handle")) * time.Second,
			Patience: time.Duration(rapid.IntRange(0, 7200).Draw(t, "patience")) * time.Second,
		}
		n := rapid.IntRange(1, 6000).Draw(t, "agents")
		target := time.Duration(rapid.IntRange(0, 300).Draw(t, "target")) * time.Second
		r, more := Run(l, n, target), Run(l, n+1, target)
		for _, v := range []float64{r.ServiceLevel, r.Wait, r.Occupancy, r.Abandoned} {
			if math.IsNaN(v) || v < -1e-9 || v > 1+1e-9 {
				t.Fatalf("%+v with %d: %+v", l, n, r)
			}
		}
		if r.ASA < 0 || more.ServiceLevel < r.ServiceLevel-1e-9 || more.Abandoned > r.Abandoned+1e-9 {
			t.Fatalf("%+v with %d: %+v, with one more %+v", l, n, r, more)
		}
		if l.Patience > 0 { // who comes is served or abandons
			served := r.Occupancy * float64(n) / l.Handle.Seconds()
			lambda := l.PerHour / 3600
			if math.Abs(served+lambda*r.Abandoned-lambda) > 1e-6*lambda {
				t.Fatalf("%+v with %d: %v come, %v are served, %v abandon", l, n, lambda, served, lambda*r.Abandoned)
			}
		}
	})
}

func TestAgentsRefuses(t *testing.T) {
	l := Load{PerHour: 200, Handle: 3 * time.Minute}
	for _, level := range []float64{0, 1, -1, 2} {
		if _, err := Agents(l, level, time.Second, 100); err == nil {
			t.Errorf("a level of %v passed", level)
		}
	}
	if _, err := Agents(l, 0.8, 20*time.Second, 8); err == nil {
		t.Error("8 agents were enough")
	}
}
