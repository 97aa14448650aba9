package dtmf

import (
	"bufio"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// wire is one event packet on its way.
type wire struct {
	at      time.Duration
	ssrc    uint32
	ts      uint32
	payload []byte
}

func event(at time.Duration, ts uint32, key rune, duration uint16, end bool) wire {
	code, _ := Code(key)
	b := make([]byte, PayloadSize)
	Event{Code: code, End: end, Volume: 10, Duration: duration}.Put(b)
	return wire{at: at, ssrc: 1, ts: ts, payload: b}
}

// press is what a phone sends for a key: an update each 20 ms, three ends.
func press(at time.Duration, ts uint32, key rune, updates int) []wire {
	var w []wire
	for i := 1; i <= updates; i++ {
		w = append(w, event(at, ts, key, uint16(160*i), false))
		at += 20 * time.Millisecond
	}
	for range 3 {
		w = append(w, event(at, ts, key, uint16(160*(updates+1)), true))
	}
	return w
}

func receive(r *Receiver, packets []wire) string {
	var got strings.Builder
	start := time.Unix(1000, 0)
	for _, p := range packets {
		if key, ok := r.Write(p.ssrc, p.ts, p.payload, start.Add(p.at)); ok {
			got.WriteRune(key)
		}
	}
	return got.String()
}

func without(w []wire, drop ...int) []wire {
	var out []wire
	for i, p := range w {
		if !slices.Contains(drop, i) {
			out = append(out, p)
		}
	}
	return out
}

func swapped(w []wire, i, j int) []wire {
	w = slices.Clone(w)
	w[i], w[j] = w[j], w[i]
	return w
}

func from(ssrc uint32, w []wire) []wire {
	for i := range w {
		w[i].ssrc = ssrc
	}
	return w
}

const ms = time.Millisecond

// receiverCases are the cases of testdata/cases.tsv that one receiver shows.
func receiverCases() map[string]struct {
	packets []wire
	want    string
} {
	one := press(0, 1000, '5', 8)
	long := func() (w []wire) {
		at := time.Duration(0)
		for d := 160; d < MaxDuration; d += 160 {
			w = append(w, event(at, 1000, '5', uint16(d), false))
			at += 20 * ms
		}
		w = append(w, event(at, 1000, '5', MaxDuration, false))
		w = append(w, event(at+20*ms, 1000+MaxDuration, '5', 160, false))
		return append(w, event(at+40*ms, 1000+MaxDuration, '5', 320, true))
	}()
	withBits := press(0, 1000, '5', 3)
	for i := range withBits {
		withBits[i].payload[1] |= 0x40 | uint8(i*10)&0x3F
	}
	doubled := press(0, 1000, '5', 3)
	for i := range doubled {
		doubled[i].payload = append(doubled[i].payload, 6, 0x80, 0, 160)
	}
	var unknown []wire
	for code := 16; code <= 255; code++ {
		unknown = append(unknown, wire{ssrc: 1, ts: uint32(code * 1000), payload: []byte{uint8(code), 0x80, 1, 64}})
	}
	var burst []wire
	var burstWant strings.Builder
	for i := range 40 {
		key := rune(keys[i%len(keys)])
		burst = append(burst, press(time.Duration(i)*100*ms, uint32(1000+800*i), key, 3)...)
		burstWant.WriteRune(key)
	}
	var short []wire
	for n := range PayloadSize {
		short = append(short, wire{ssrc: 1, ts: 9, payload: make([]byte, n)})
	}
	return map[string]struct {
		packets []wire
		want    string
	}{
		"single":               {one, "5"},
		"one_end_lost":         {without(one, 9), "5"},
		"two_ends_lost":        {without(one, 8, 10), "5"},
		"all_ends_lost":        {append(one[:8:8], press(time.Second, 9000, '6', 3)...), "56"},
		"only_end":             {one[8:9], "5"},
		"marker_lost":          {one[1:], "5"},
		"reordered":            {swapped(swapped(one, 5, 8), 0, 3), "5"},
		"late_update":          {append(slices.Clone(one), one[7]), "5"},
		"same_digit_twice":     {append(press(0, 1000, '5', 3), press(130*ms, 2040, '5', 3)...), "55"},
		"no_gap":               {append(press(0, 1000, '5', 3), press(80*ms, 1640, '6', 3)...), "56"},
		"long_event":           {long, "5"},
		"zero_duration":        {append([]wire{event(0, 1000, '5', 0, false)}, event(20*ms, 1000, '5', 160, false)), "5"},
		"short_tone":           {press(0, 1000, '5', 2), "5"},
		"two_events_in_packet": {doubled, "5"},
		"unknown_event":        {unknown, ""},
		"flash":                {[]wire{{ssrc: 1, ts: 5, payload: []byte{16, 0x80, 1, 64}}}, ""},
		"volume":               {withBits, "5"},
		"short_payload":        {short, ""},
		"wrong_ssrc":           {append(append(one[:4:4], from(2, press(70*ms, 7777, '9', 2))...), one[4:]...), "5"},
		"burst":                {burst, burstWant.String()},
	}
}

// elsewhere says which test shows a case that one receiver cannot.
var elsewhere = map[string]string{
	"pt_other":          "media.TestDigits",
	"pt_not_negotiated": "media.TestDigits",
	"clock_16k":         "media.TestDigits",
	"wrong_source":      "media.TestDigits",
	"srtp_plain":        "media.TestDigits",
	"inband_and_event":  "media.TestDigits",
	"info_and_event":    "media.TestDigits",
	"while_prompt":      "media.TestDigits",
	"pci":               "media.TestDigits",
}

func TestReceiverCases(t *testing.T) {
	cases := receiverCases()
	f, err := os.Open("testdata/cases.tsv")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	n := 0
	for lines := bufio.NewScanner(f); lines.Scan(); {
		name, _, _ := strings.Cut(lines.Text(), "\t")
		if strings.HasPrefix(name, "#") || name == "" {
			continue
		}
		n++
		c, here := cases[name]
		if !here {
			if elsewhere[name] == "" {
				t.Errorf("case %s has no test", name)
			}
			continue
		}
		t.Run(name, func(t *testing.T) {
			if got := receive(&Receiver{}, c.packets); got != c.want {
				t.Errorf("got %q, want %q", got, c.want)
			}
		})
	}
	if n != len(cases)+len(elsewhere) {
		t.Errorf("%d cases in the table, %d tested", n, len(cases)+len(elsewhere))
	}
}

// The key is reported at the first packet, so that a prompt stops early.
func TestReportedAtOnce(t *testing.T) {
	if got := receive(&Receiver{}, press(0, 1, '7', 8)[:1]); got != "7" {
		t.Errorf("got %q", got)
	}
}

// A sender that starts its clock anew, far back, presses a key again.
func TestClockStartsAnew(t *testing.T) {
	w := append(press(0, 900000, '5', 3), press(time.Second, 1000, '5', 3)...)
	if got := receive(&Receiver{}, w); got != "55" {
		t.Errorf("got %q", got)
	}
}

// A late packet of the digit before does not press it again.
func TestLatePacketOfTheDigitBefore(t *testing.T) {
	first, second := press(0, 1000, '5', 3), press(80*ms, 1640, '6', 3)
	w := append(slices.Clone(first), second[0], first[5], second[1])
	if got := receive(&Receiver{}, w); got != "56" {
		t.Errorf("got %q", got)
	}
}

func TestTimestampWraps(t *testing.T) {
	for _, ts := range []uint32{0, 127, 32767, 65535, 1<<32 - 200, 1<<32 - 1} {
		w := append(press(0, ts, '5', 3), press(200*ms, ts+1600, '5', 3)...)
		if got := receive(&Receiver{}, w); got != "55" {
			t.Errorf("from %d: got %q", ts, got)
		}
	}
}

func TestRunning(t *testing.T) {
	var r Receiver
	now := time.Unix(1, 0)
	w := press(0, 1, '5', 3)
	r.Write(1, 1, w[0].payload, now)
	if !r.Running(now.Add(100*ms)) || r.Running(now.Add(200*ms)) {
		t.Error("an event without an end should run for three packet times")
	}
	r.Write(1, 1, w[4].payload, now)
	if r.Running(now) {
		t.Error("an event with an end still runs")
	}
}

// Any loss and any order of one press's packets is at most one key, and exactly
// one if a packet is left.
func TestAnyLossAndOrder(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		w := press(0, rapid.Uint32().Draw(t, "ts"), '5', rapid.IntRange(1, 20).Draw(t, "updates"))
		w = rapid.Permutation(w).Draw(t, "order")
		w = w[:rapid.IntRange(1, len(w)).Draw(t, "left")]
		if got := receive(&Receiver{}, w); got != "5" {
			t.Fatalf("got %q", got)
		}
	})
}

func TestMerger(t *testing.T) {
	at := func(n int) time.Time { return time.Unix(1, 0).Add(time.Duration(n) * ms) }
	type report struct {
		key  rune
		via  string
		at   int
		want bool
	}
	for name, reports := range map[string][]report{
		"OneByTwoWays":     {{'5', "rfc4733", 0, true}, {'5', "info", 150, false}},
		"TwoByTwoWays":     {{'5', "rfc4733", 0, true}, {'5', "info", 20, false}, {'5', "rfc4733", 180, true}, {'5', "info", 199, false}},
		"TwoByOneWay":      {{'5', "info", 0, true}, {'5', "info", 150, true}},
		"OtherKey":         {{'5', "rfc4733", 0, true}, {'6', "info", 50, true}},
		"LaterThan200ms":   {{'5', "rfc4733", 0, true}, {'5', "info", 200, true}},
		"InfoBeforeEvents": {{'5', "info", 0, true}, {'5', "rfc4733", 30, false}},
	} {
		t.Run(name, func(t *testing.T) {
			var m Merger
			for i, r := range reports {
				if got := m.Accept(r.key, r.via, at(r.at)); got != r.want {
					t.Errorf("report %d: %v, want %v", i, got, r.want)
				}
			}
		})
	}
}

// FuzzReceiver: no payload panics, and one timestamp is at most one key.
func FuzzReceiver(f *testing.F) {
	f.Add(uint32(1), []byte{5, 0x8A, 1, 0x40})
	f.Add(uint32(1<<31), []byte{16, 0, 0, 0})
	f.Add(uint32(0), []byte{})
	f.Fuzz(func(t *testing.T, ts uint32, payload []byte) {
		var r Receiver
		now := time.Unix(1, 0)
		n := 0
		for range 3 {
			if key, ok := r.Write(1, ts, payload, now); ok {
				n++
				if !ValidKey(key) {
					t.Fatalf("key %q", key)
				}
			}
		}
		if n > 1 {
			t.Fatalf("%d keys of one timestamp", n)
		}
	})
}
