package recordings

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"os"
	"path/filepath"
	"sync"
	"time"

	"callfloor/contact"
	"callfloor/internal/store"
)

// Options are what a Store needs of its house. The zero Options work.
type Options struct {
	// Config; the zero Config is DefaultConfig.
	Config Config
	// Log; nil is slog.Default.
	Log *slog.Logger
	// OnTrouble is told that the recording of a call stopped by a fault. The call
	// goes on. It is called once for a recording, on a goroutine of the
	// recording's, and must not wait for that recording.
	OnTrouble func(contact.ID, error)
}

// files is what a Store needs of a disk.
type files interface {
	store.Blobs
	Free() (octets uint64, err error)
}

// Store keeps the recordings of one data folder. It is safe for concurrent use.
// Several processes may read a folder, one records into it.
type Store struct {
	dir  string
	cfg  Config
	db   *store.DB
	log  *slog.Logger
	told func(contact.ID, error)
	keys keys

	files files
	close func() error // of files

	mu       sync.Mutex // guards the rest
	lock     *os.File   // held while this process records
	closed   bool
	live     map[contact.ID]*Recording
	ended    map[State]int         // recordings of this process by how they ended
	unkept   map[contact.ID]ending // endings whose row could not be written yet
	writeErr error                 // of the last write; nil after one that went well
	probed   time.Time             // when Healthy last tried to write
}

// Names in the data folder.
const (
	capturesFolder = "captures"
	keysFolder     = "keys"
	lockName       = "recordings.lock"
	extension      = ".cap"
)

// Open opens the recordings of the data folder dir. It makes the folder of the
// captures where it is missing; keys are made by the first Start.
func Open(_ context.Context, dir string, db *store.DB, o Options) (*Store, error) {
	if o.Config == (Config{}) {
		o.Config = DefaultConfig()
	}
	if o.Log == nil {
		o.Log = slog.Default()
	}
	if o.OnTrouble == nil {
		o.OnTrouble = func(contact.ID, error) {}
	}
	blobs, err := store.OpenBlobs(filepath.Join(dir, capturesFolder))
	if err != nil {
		return nil, fmt.Errorf("open the recordings in %s: %w", dir, err)
	}
	return &Store{
		dir: dir, cfg: o.Config, db: db, log: o.Log, told: o.OnTrouble,
		keys:  keys{dir: filepath.Join(dir, keysFolder)},
		files: blobs, close: blobs.Close,
		live: make(map[contact.ID]*Recording), unkept: make(map[contact.ID]ending), ended: make(map[State]int),
	}, nil
}

// Close seals what is still being recorded, waits for it as long as ctx lasts
// and lets another process record.
func (s *Store) Close(ctx context.Context) error {
	s.mu.Lock()
	s.closed = true
	var open []*Recording
	for _, r := range s.live {
		open = append(open, r)
	}
	s.mu.Unlock()
	var errs []error
	for _, r := range open {
		r.end(whyClosed)
	}
	for _, r := range open {
		if err := r.wait(ctx); err != nil {
			errs = append(errs, fmt.Errorf("close recording %s: %w", r.id, err))
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.lock != nil {
		errs = append(errs, s.lock.Close())
		s.lock = nil
	}
	return errors.Join(append(errs, s.close())...)
}

// A command that reads the folder may hold the lock for a moment, to settle
// what a crash left open.
const (
	lockTries = 20
	lockPause = 50 * time.Millisecond
)

// takeLock makes this process the one that records into the folder; errLocked
// if another stays it.
func (s *Store) takeLock() error {
	for try := 1; ; try++ {
		err := s.tryLock()
		if try == lockTries || !errors.Is(err, errLocked) {
			return err
		}
		time.Sleep(lockPause)
	}
}

func (s *Store) tryLock() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return contact.Errorf(contact.Conflict, "recording is being shut down")
	}
	if s.lock != nil {
		return nil
	}
	f, err := lockFile(filepath.Join(s.dir, lockName))
	if err != nil {
		return err
	}
	s.lock = f
	return nil
}

// probeEvery is how often Healthy tries whether a disk that failed works again.
const probeEvery = 2 * time.Second

// Healthy returns why new recordings would not be kept: too little free space,
// or a disk that refused the last write. It is nil again as soon as there is
// room and a write works.
func (s *Store) Healthy() error {
	if err := s.checkFree(); err != nil {
		return err
	}
	s.mu.Lock()
	err, due := s.writeErr, time.Since(s.probed) >= probeEvery
	if err == nil || !due {
		s.mu.Unlock()
		return err
	}
	s.probed = time.Now()
	s.mu.Unlock()
	err = s.probe() // not under the lock: a bad disk may take its time
	s.wrote(err)
	return err
}

// Figures are the recordings of this process, for who watches it.
type Figures struct {
	// Open are being made now; Ended are those that ended, by their state.
	Open  int
	Ended map[State]int
	// Free is how many octets the disk of the captures has left; nil where the
	// system cannot say.
	Free *uint64
}

// Figures returns how many recordings there are and the room for more.
func (s *Store) Figures() Figures {
	s.mu.Lock()
	f := Figures{Open: len(s.live), Ended: maps.Clone(s.ended)}
	s.mu.Unlock()
	if free, err := s.files.Free(); err == nil { // not under the lock: a bad disk may take its time
		f.Free = &free
	}
	return f
}

// checkFree says whether MinFree octets are free.
func (s *Store) checkFree() error {
	free, err := s.files.Free()
	if errors.Is(err, errors.ErrUnsupported) {
		return nil // this system cannot say; a full disk shows in the writing
	}
	if err != nil {
		return fmt.Errorf("check the space for recordings: %w", err)
	}
	if free < s.cfg.MinFree {
		return contact.Errorf(contact.Busy, "recording is stopped: %d MiB are free on the disk of the captures, %d MiB must be; free some space or lower min_free",
			free>>20, s.cfg.MinFree>>20)
	}
	return nil
}

// probe writes and removes a small file. Its name is no capture's.
func (s *Store) probe() error {
	const name = "probe"
	b, err := s.files.Create(name)
	if err != nil {
		return err
	}
	_, err = b.Write(make([]byte, 64<<10))
	return errors.Join(err, b.Sync(), b.Close(), s.files.Remove(name))
}

// wrote keeps how the last write went.
func (s *Store) wrote(err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.writeErr = err
}

// liveRecording returns the open recording id if this process makes it.
func (s *Store) liveRecording(id contact.ID) *Recording {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.live[id]
}

// errKeys explains missing keys.
func errKeys(err error) error {
	return fmt.Errorf("the recordings cannot be opened without their keys; put the folder %q back from a backup: %w", keysFolder, err)
}

// discard closes c on a path that has an error of its own to report.
func discard(c io.Closer) { _ = c.Close() }
