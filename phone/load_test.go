package phone

import (
	"errors"
	"strings"
	"testing"
	"time"

	"callfloor/media"
)

func TestStampsFindTheirWay(t *testing.T) {
	var told []Delay
	d := newDelays(func(x Delay) { told = append(told, x) })
	stranger := newDelays(nil)
	for _, c := range []struct {
		name     string
		who, at  speaker
		from     *delays
		way      way
		measured bool
	}{
		{"phone to seat", byPhone, bySeat, d, phoneToSeat, true},
		{"seat to phone", bySeat, byPhone, d, seatToPhone, true},
		{"echo", byPhone, byPhone, d, echo, true},
		{"of another run", byPhone, bySeat, stranger, phoneToSeat, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			told = nil
			before := len(d.values[c.way])
			source, heard := media.NewSource("said"), media.NewSource("heard")
			d.listen(heard, c.at)
			payload := []byte(strings.Repeat("\xff", 160))
			plain := 0
			check := media.SinkFunc(func(p *media.Packet) {
				if string(p.Payload) == string(payload) {
					plain++
				}
				q := *p
				q.Arrival = time.Now().Add(40 * time.Millisecond)
				heard.Emit(&q)
			})
			c.from.stamp(source, c.who).Attach(&check)
			for i := range 10 * stampEvery {
				source.Emit(&media.Packet{Seq: uint16(i), Payload: payload})
			}
			got := d.values[c.way][before:]
			if !c.measured {
				if len(got)+len(told) != 0 {
					t.Errorf("measured %v", got)
				}
				return
			}
			if len(got) != 10 || len(told) != 10 || plain != 9*10 {
				t.Fatalf("%d measured, %d told, %d packets left alone", len(got), len(told), plain)
			}
			for i, ms := range got {
				if ms < 40 || ms > 1000 || told[i].Way != c.name || milliseconds(told[i].Took) != ms {
					t.Errorf("took %v ms, told %+v", ms, told[i])
				}
			}
			if strings.Trim(string(payload), "\xff") != "" {
				t.Error("the player's own payload was written into")
			}
		})
	}
}

func TestStampsAllocateNothing(t *testing.T) {
	d := newDelays(nil)
	source := media.NewSource("said")
	d.stamp(source, byPhone)
	p := &media.Packet{Payload: make([]byte, 160)}
	if n := testing.AllocsPerRun(1000, func() { source.Emit(p) }); n != 0 {
		t.Errorf("%v allocations a packet", n)
	}
}

func TestServerFigures(t *testing.T) {
	start := time.Now()
	w := &watch{client: newWatch("http://localhost", "", nil).client}
	for i, s := range []struct {
		active      int
		cpu, memory float64
	}{{0, 10, 50e6}, {50, 10.5, 60e6}, {100, 11, 70e6}, {100, 11.2, 80e6}, {96, 11.4, 80e6}, {20, 12, 75e6}, {95, 12.1, 75e6}} {
		w.samples = append(w.samples, sample{start.Add(time.Duration(i) * time.Second), s.active, s.cpu, s.memory})
	}
	f, err := w.figures()
	if err != nil {
		t.Fatal(err)
	}
	near := func(a, b float64) bool { return a-b < 0.01 && b-a < 0.01 }
	if f.Seconds != 2 || !near(f.Calls, 98.667) || !near(f.CPUPercent, 20) || !near(f.CPUPercentPer100, 20.27) || !near(f.CPUSeconds, 2.1) {
		t.Errorf("%+v", f)
	}
	if !near(f.MemoryMB, 80) || !near(f.MemoryMBPer100, 30) {
		t.Errorf("memory %+v", f)
	}
	for name, w := range map[string]*watch{
		"nobody called":  {client: w.client, samples: []sample{{at: start}, {at: start}}},
		"one look":       {client: w.client, samples: []sample{{at: start, active: 1}}},
		"nothing to see": {client: w.client, err: errors.New("404")},
	} {
		if f, err := w.figures(); err == nil {
			t.Errorf("%s: %+v", name, f)
		}
	}
	if f, err := (*watch)(nil).figures(); f != nil || err != nil {
		t.Errorf("nobody looked: %v, %v", f, err)
	}
}

func TestReadingMetrics(t *testing.T) {
	var s sample
	text := "# HELP process_cpu_seconds_total CPU\nprocess_cpu_seconds_total 12.5\ngo_goroutines 9\nprocess_resident_memory_bytes 8.5e+07\n"
	if err := s.parse(strings.NewReader(text)); err != nil || s.cpu != 12.5 || s.memory != 8.5e7 {
		t.Errorf("%+v, %v", s, err)
	}
	for _, text := range []string{"", "process_cpu_seconds_total 1\n", "process_cpu_seconds_total much\nprocess_resident_memory_bytes 1\n", "<html>"} {
		if err := new(sample).parse(strings.NewReader(text)); err == nil {
			t.Errorf("%q is accepted", text)
		}
	}
}

func TestAStarvedGeneratorReportsNothing(t *testing.T) {
	ms, status := 3.0, 200
	tally := &tally{start: time.Now(), statuses: map[string]int{}, started: 1}
	tally.add(CallResult{Result: Completed, SIPStatus: &status, SetupMS: &ms, DurationS: 10, Sent: 480})
	_, err := tally.finish(nil, newDelays(nil))
	var starved *StarvedError
	if !errors.As(err, &starved) || starved.Due != 495 || starved.Sent != 480 || !strings.Contains(err.Error(), "97.0 %") {
		t.Errorf("480 of 495 packets: %v", err)
	}
	tally.results[0].Sent = 491
	if _, err := tally.finish(nil, newDelays(nil)); err != nil {
		t.Errorf("491 of 495 packets: %v", err)
	}
}
