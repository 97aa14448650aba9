package web

import (
	"encoding/json"
	"fmt"
	"maps"
	"testing"

	"pgregory.net/rapid"
)

// mirror is a browser's copy of a document.
type mirror struct {
	epoch string
	seq   uint64
	doc   map[string]string
}

func (m *mirror) take(t *rapid.T, frame []byte) {
	var head struct{ Type string }
	if err := json.Unmarshal(frame, &head); err != nil {
		t.Fatal(err)
	}
	switch head.Type {
	case TypeSnapshot:
		var s Snapshot
		if err := json.Unmarshal(frame, &s); err != nil {
			t.Fatal(err)
		}
		m.seq, m.doc = s.Seq, map[string]string{}
		for k, v := range s.Doc {
			m.doc[k] = string(v)
		}
	case TypeChange:
		var c Change
		if err := json.Unmarshal(frame, &c); err != nil {
			t.Fatal(err)
		}
		if c.Seq != m.seq+1 {
			t.Fatalf("change %d after %d", c.Seq, m.seq)
		}
		m.seq = c.Seq
		if string(c.Value) == "null" {
			delete(m.doc, c.Key)
		} else {
			m.doc[c.Key] = string(c.Value)
		}
	}
}

// Any interleaving of puts, drops, lost sockets, resumes and restarts gives the
// browser the document that the server has.
func TestDocumentResume(t *testing.T) { rapid.Check(t, documentProperty) }

func FuzzDocumentResume(f *testing.F) { f.Fuzz(rapid.MakeFuzz(documentProperty)) }

func documentProperty(t *rapid.T) {
	const keep = 8
	d := newDocument()
	d.keep = keep
	m := &mirror{doc: map[string]string{}}
	online := false
	send := func(frame []byte) {
		if frame != nil && online {
			m.take(t, frame)
		}
	}
	hello := func(epoch string, seq uint64) {
		online = true
		if missed, ok := d.since(epoch, seq); ok {
			for _, f := range missed {
				m.take(t, f)
			}
		} else {
			m.take(t, d.snapshot())
		}
		m.epoch = d.epoch
	}
	key := rapid.SampledFrom([]string{"me", "call", "queue/sales", "agent/bob"})
	value := rapid.SampledFrom([]string{`1`, `"x"`, `{"a":[null]}`, `null`})
	t.Repeat(map[string]func(*rapid.T){
		"put":  func(t *rapid.T) { send(d.put(key.Draw(t, "key"), json.RawMessage(value.Draw(t, "value")))) },
		"drop": func(t *rapid.T) { send(d.drop(key.Draw(t, "key"))) },
		"many": func(t *rapid.T) {
			for i := range rapid.IntRange(keep-2, keep+2).Draw(t, "n") {
				send(d.put("n", json.RawMessage(fmt.Sprint(i))))
			}
		},
		"lose":    func(*rapid.T) { online = false },
		"resume":  func(*rapid.T) { hello(m.epoch, m.seq) },
		"reload":  func(*rapid.T) { *m = mirror{}; hello("", 0) },
		"lie":     func(t *rapid.T) { *m = mirror{}; hello("x", rapid.Uint64().Draw(t, "seq")) },
		"restart": func(*rapid.T) { d, online = newDocument(), false; d.keep = keep },
		"": func(t *rapid.T) {
			if !online {
				return
			}
			want := map[string]string{}
			for k, v := range d.values {
				want[k] = string(v)
			}
			if m.seq != d.seq || !maps.Equal(m.doc, want) {
				t.Fatalf("the browser has %v at %d, the server %v at %d", m.doc, m.seq, want, d.seq)
			}
		},
	})
}

// A browser that claims a number of the future gets a snapshot.
func TestDocumentFuture(t *testing.T) {
	d := newDocument()
	d.put("a", json.RawMessage("1"))
	if _, ok := d.since(d.epoch, 2); ok {
		t.Error("a number that was never given was believed")
	}
	if frames, ok := d.since(d.epoch, 1); !ok || len(frames) != 0 {
		t.Error("a browser that has everything must get nothing")
	}
	if d.put("a", json.RawMessage("1")) != nil || d.drop("b") != nil {
		t.Error("what changes nothing must not be sent")
	}
}
