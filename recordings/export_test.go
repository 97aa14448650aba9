package recordings

import (
	"context"
	"sync/atomic"

	"callfloor/internal/store"
	"callfloor/recordings/consent"
)

// Disk is a disk that tests can fill.
type Disk struct {
	files
	// Full, if set, is the error of every write and sync.
	Full atomic.Pointer[error]
	// FreeOctets, if not zero, is what it says is free.
	FreeOctets atomic.Uint64
	// Odd makes writes panic: a fault of our own.
	Odd atomic.Bool
	// Syncs counts the syncs.
	Syncs atomic.Int64
}

// Append implements store.Blobs.
func (d *Disk) Append(name string) (store.Blob, error) {
	b, err := d.files.Append(name)
	return &diskBlob{Blob: b, disk: d}, err
}

// UseDisk puts a Disk before s's own.
func (s *Store) UseDisk() *Disk {
	d := &Disk{files: s.files}
	s.files = d
	return d
}

// Fill makes writes fail with err; nil makes room again.
func (d *Disk) Fill(err error) {
	if err == nil {
		d.Full.Store(nil)
		return
	}
	d.Full.Store(&err)
}

func (d *Disk) fault() error {
	if err := d.Full.Load(); err != nil {
		return *err
	}
	return nil
}

// Create implements store.Blobs.
func (d *Disk) Create(name string) (store.Blob, error) {
	b, err := d.files.Create(name)
	return &diskBlob{Blob: b, disk: d}, err
}

// Free implements files.
func (d *Disk) Free() (uint64, error) {
	if n := d.FreeOctets.Load(); n != 0 {
		return n, nil
	}
	return d.files.Free()
}

type diskBlob struct {
	store.Blob
	disk *Disk
}

// Write takes a half of b when the disk is full, as disks do.
func (b *diskBlob) Write(p []byte) (int, error) {
	if b.disk.Odd.Load() {
		panic("an odd disk")
	}
	if err := b.disk.fault(); err != nil {
		n, _ := b.Blob.Write(p[:len(p)/2])
		return n, err
	}
	return b.Blob.Write(p)
}

func (b *diskBlob) Sync() error {
	b.disk.Syncs.Add(1)
	if err := b.disk.fault(); err != nil {
		return err
	}
	return b.Blob.Sync()
}

// ByHand starts a recording whose flushes are the test's own.
func (s *Store) ByHand(g consent.Grant, m Meta) (*Recording, error) {
	if err := s.takeLock(); err != nil {
		return nil, err
	}
	r := newRecording(s, g, m)
	s.enlist(r)
	return r, s.create(context.Background(), r)
}

// Flush does what run does on a tick.
func (r *Recording) Flush() error { return r.flush() }

// Finish does what run does at the end.
func (r *Recording) Finish() {
	r.finish(whyEnded)
	close(r.done)
}
