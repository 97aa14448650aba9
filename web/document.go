package web

import (
	"bytes"
	"encoding/json"

	"callfloor/contact"
)

// logSize is how many changes a document remembers for browsers that come
// back. After a longer absence a snapshot is shorter anyway.
const logSize = 256

// document is what a seat shows: keys to JSON values, every change numbered.
// It is not safe for concurrent use; Seat guards it.
type document struct {
	// epoch names this numbering. Another seat, or the same one after a restart
	// of the server, has another, so that numbers are never mixed up.
	epoch  string
	seq    uint64
	values map[string]json.RawMessage
	// log holds the frames of the last changes, at most keep; the last has
	// number seq.
	log  [][]byte
	keep int
}

func newDocument() *document {
	return &document{epoch: string(contact.NewID()), values: map[string]json.RawMessage{}, keep: logSize}
}

// put sets key and returns the Change to send, nil if nothing changed. The
// value null drops the key, as it does on the wire.
func (d *document) put(key string, value json.RawMessage) []byte {
	if string(value) == "null" {
		return d.drop(key)
	}
	if old, ok := d.values[key]; ok && bytes.Equal(old, value) {
		return nil
	}
	d.values[key] = value
	return d.record(key, value)
}

// drop removes key and returns the Change to send, nil if it was not there.
func (d *document) drop(key string) []byte {
	if _, ok := d.values[key]; !ok {
		return nil
	}
	delete(d.values, key)
	return d.record(key, json.RawMessage("null"))
}

func (d *document) record(key string, value json.RawMessage) []byte {
	d.seq++
	frame := encode(Change{Type: TypeChange, Seq: d.seq, Key: key, Value: value})
	if len(d.log) == d.keep {
		copy(d.log, d.log[1:])
		d.log = d.log[:d.keep-1]
	}
	d.log = append(d.log, frame)
	return frame
}

// since returns the Changes after seq, none if the browser has them all. It is
// not ok if the epoch is another one or the log does not reach back so far;
// then the browser needs a snapshot.
func (d *document) since(epoch string, seq uint64) (frames [][]byte, ok bool) {
	if epoch != d.epoch || seq > d.seq || d.seq-seq > uint64(len(d.log)) {
		return nil, false
	}
	return d.log[len(d.log)-int(d.seq-seq):], true
}

// snapshot returns the whole document as a frame.
func (d *document) snapshot() []byte {
	return encode(Snapshot{Type: TypeSnapshot, Seq: d.seq, Doc: d.values})
}
