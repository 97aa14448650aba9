package app

import (
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"time"

	"callfloor/contact"
	"callfloor/internal/store"
	"callfloor/ivr"
)

// published says who published a version, and why. The zero value is a change
// of the folder.
type published struct {
	Version string `json:"version"`
	At      string `json:"at"`
	By      string `json:"by"`
	Note    string `json:"note"`
}

// keep writes every version that is not there yet, NAME@VERSION.yaml, and adds
// a line to NAME.jsonl for each flow whose version is another than before.
func (s *shelf) keep(flows map[string]*ivr.Flow, by published) error {
	if err := os.MkdirAll(s.kept, 0o755); err != nil {
		return fmt.Errorf("make the folder of the flows' versions: %w", err)
	}
	for _, name := range slices.Sorted(maps.Keys(flows)) {
		for _, source := range flows[name].Sources() {
			if err := s.keepOne(source, by); err != nil {
				return fmt.Errorf("keep a version of %s: %w", source.Name, err)
			}
		}
	}
	return nil
}

func (s *shelf) keepOne(source ivr.Source, by published) error {
	name := nameOf(filepath.Base(source.Name))
	file := s.versionFile(name, source.Version)
	if _, err := os.Stat(file); errors.Is(err, fs.ErrNotExist) {
		if err := store.WriteFile(file, source.Text, 0o644); err != nil {
			return err
		}
	}
	log, err := s.logOf(name)
	if err != nil {
		return err
	}
	if len(log) > 0 && log[len(log)-1].Version == source.Version {
		return nil
	}
	by.Version, by.At = source.Version, contact.Time(time.Now())
	return appendLine(s.logFile(name), by)
}

func (s *shelf) versionFile(name, version string) string {
	return filepath.Join(s.kept, name+"@"+version+".yaml")
}

func (s *shelf) logFile(name string) string { return filepath.Join(s.kept, name+".jsonl") }

// logOf reads what was published of a flow, the oldest first.
func (s *shelf) logOf(name string) ([]published, error) { return readLines[published](s.logFile(name)) }
