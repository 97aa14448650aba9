package media

import (
	"testing"
	"time"
)

func TestPorts(t *testing.T) {
	if p, err := NewPorts(20001, 20010); err != nil || p.Free() != 4 {
		t.Fatalf("20001-20010: %v, %v", p, err)
	}
	for _, r := range [][2]int{{20001, 20002}, {0, 10}, {10, 5}, {20000, 70000}, {20000, 20000}} {
		if _, err := NewPorts(r[0], r[1]); err == nil {
			t.Errorf("%v was taken", r)
		}
	}
	p, _ := NewPorts(20000, 20005)
	now := time.Unix(1000, 0)
	var got []int
	for range 3 {
		port, err := p.take(now)
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, port)
	}
	if got[0] != 20000 || got[1] != 20002 || got[2] != 20004 {
		t.Errorf("took %v", got)
	}
	if _, err := p.take(now); err == nil {
		t.Error("a fourth of three was taken")
	}
	p.give(20002, now)
	p.give(20000, now.Add(time.Second))
	if _, err := p.take(now.Add(portRest - 1)); err == nil || p.free(now.Add(portRest-1)) != 0 {
		t.Error("a pair was taken before its rest was over")
	}
	if p.free(now.Add(portRest)) != 1 {
		t.Errorf("%d free after the rest", p.free(now.Add(portRest)))
	}
	if port, err := p.take(now.Add(portRest)); err != nil || port != 20002 {
		t.Errorf("took %d, %v; the longest unused is 20002", port, err)
	}
}
