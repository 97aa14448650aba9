package app

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"maps"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"callfloor/internal/config"
	"callfloor/ivr"
)

// watchEvery is how often the flows' folder is looked at. A change is taken
// once the folder has been still for one look, so that no half file is read.
const watchEvery = 2 * time.Second

// shelf holds the flows of the lines. A call takes its line's flow when it
// begins and keeps it; a new version is for the calls that come.
type shelf struct {
	cfg    config.Config
	log    *slog.Logger
	folder string // of the flows
	kept   string // the folder of versions

	flows   atomic.Pointer[map[string]*ivr.Flow]
	refused atomic.Pointer[FlowsError]

	mu      sync.Mutex // one reload at a time
	taken   string     // the fingerprint of what was read last
	prompts *ivr.Prompts
}

// newShelf reads every flow; the error is a *FlowsError where one is wrong.
func newShelf(cfg config.Config, log *slog.Logger, p *ivr.Prompts) (*shelf, error) {
	s := &shelf{cfg: cfg, log: log, prompts: p, folder: flowFolder(cfg), kept: filepath.Join(cfg.Data, "flows", "versions")}
	s.taken = fingerprint(s.folder)
	flows, err := LoadFlows(cfg, p)
	if err != nil {
		return nil, err
	}
	s.flows.Store(&flows)
	return s, s.keep(flows, published{})
}

// flow returns the present version of a flow.
func (s *shelf) flow(name string) *ivr.Flow { return (*s.flows.Load())[name] }

// trouble says which new versions were refused, if any.
func (s *shelf) trouble() error {
	if e := s.refused.Load(); e != nil {
		return e
	}
	return nil
}

// reload reads the flows again. One that is wrong is refused, and its version
// so far stays.
func (s *shelf) reload() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.reloadLocked(published{})
}

// take makes prompts those of new calls. The error is a *FlowsError that names
// the flows which lack some of them; the prompts so far stay then.
func (s *shelf) take(p *ivr.Prompts) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if _, err := LoadFlows(s.cfg, p); err != nil && s.refused.Load() == nil {
		return err
	}
	s.prompts = p
	return s.reloadLocked(published{})
}

// present are the prompts of new calls.
func (s *shelf) present() *ivr.Prompts {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.prompts
}

// reloadLocked is reload; s.mu is held.
func (s *shelf) reloadLocked(by published) error {
	s.taken = fingerprint(s.folder)
	flows := maps.Clone(*s.flows.Load())
	wrong := &FlowsError{}
	for name := range flows {
		f, problems := loadChecked(s.cfg, name, s.prompts)
		if len(problems) > 0 {
			wrong.Problems = append(wrong.Problems, problems...)
			s.log.Error("a new version of a flow was refused; the one so far stays", "flow", name, "version", flows[name].Version(), "problems", strings.Join(problems, "\n"))
			continue
		}
		if f.Version() == flows[name].Version() {
			flows[name] = f // perhaps with other prompts
		} else {
			s.log.Info("a flow has a new version; calls that are up keep theirs", "flow", name, "version", f.Version(), "before", flows[name].Version())
			flows[name] = f
		}
	}
	if err := s.keep(flows, by); err != nil {
		s.log.Error("could not keep a version of a flow", "error", err)
	}
	s.flows.Store(&flows)
	if len(wrong.Problems) == 0 {
		s.refused.Store(nil)
		return nil
	}
	s.refused.Store(wrong)
	return wrong
}

// watch reloads when the folder changes, until ctx is done.
func (s *shelf) watch(ctx context.Context) {
	every := time.NewTicker(watchEvery)
	defer every.Stop()
	seen := ""
	for {
		select {
		case <-every.C:
		case <-ctx.Done():
			return
		}
		before := seen
		seen = fingerprint(s.folder)
		s.mu.Lock()
		taken := s.taken
		s.mu.Unlock()
		if seen == before && seen != taken {
			_ = s.reload() // logged and on /readyz
		}
	}
}

// fingerprint changes with any file of the folder.
func fingerprint(folder string) string {
	if folder == "" {
		return ""
	}
	files, err := os.ReadDir(folder)
	if err != nil {
		return "unreadable"
	}
	var b strings.Builder
	for _, f := range files {
		info, err := f.Info()
		if errors.Is(err, fs.ErrNotExist) || !strings.HasSuffix(f.Name(), ".yaml") {
			continue
		}
		if err == nil {
			fmt.Fprintf(&b, "%s %d %d\n", f.Name(), info.Size(), info.ModTime().UnixNano())
		}
	}
	return b.String()
}

// ReloadFlows reads the flows' folder again. The error is a *FlowsError that
// names every flow which was refused.
func (a *App) ReloadFlows() error { return a.shelf.reload() }
