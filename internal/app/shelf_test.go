package app

import (
	"bytes"
	"context"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"callfloor/internal/config"
	"callfloor/ivr"
)

const (
	shelfFlow = "nodes:\n  a: {kind: play, say: greeting, next: sub}\n  sub: {kind: subflow, flow: sub, next: b}\n  b: {kind: hangup}\n"
	shelfSub  = "nodes:\n  x: {kind: play, say: goodbye, next: y}\n  y: {kind: return}\n"
)

// TestFlowsReload: a new version is for the calls that come, a wrong one is
// refused by file and line, and every version is kept.
func TestFlowsReload(t *testing.T) {
	flows, data := t.TempDir(), t.TempDir()
	write := func(name, text string) {
		t.Helper()
		must(t, os.WriteFile(filepath.Join(flows, name), []byte(text), 0o600))
	}
	write("mine.yaml", shelfFlow)
	write("sub.yaml", shelfSub)
	cfg := config.Default()
	cfg.Data, cfg.Flows = data, flows
	cfg.Lines = []config.Line{{ID: "1", Flow: "mine", Consent: config.ConsentNever}, {ID: "2", Flow: "full", Consent: config.ConsentAsk}}
	prompts, err := ivr.LoadPrompts(ivr.BuiltinPrompts())
	must(t, err)
	var said bytes.Buffer
	s, err := newShelf(cfg, slog.New(slog.NewTextHandler(&said, nil)), prompts)
	must(t, err)
	first := s.flow("mine")
	if s.trouble() != nil || kept(t, data, "mine") != 1 || kept(t, data, "sub") != 1 || kept(t, data, "full") != 1 {
		t.Fatalf("at the start: %v", s.trouble())
	}

	write("mine.yaml", strings.Replace(shelfFlow, "next: b}", "next: c}", 1))
	err = s.reload()
	if err == nil || !strings.Contains(err.Error(), `mine.yaml:3:`) || !strings.Contains(said.String(), "mine.yaml:3:") {
		t.Errorf("a wrong version: %v\n%s", err, said.String())
	}
	if s.trouble() == nil || s.flow("mine") != first {
		t.Error("the wrong version was taken, or is not said")
	}

	write("mine.yaml", shelfFlow)
	write("sub.yaml", strings.Replace(shelfSub, "goodbye", "menu_wrong", 1))
	must(t, s.reload())
	if second := s.flow("mine"); second == first || second.Version() == first.Version() || s.trouble() != nil {
		t.Errorf("a new subflow makes no new version: %s, %v", second.Version(), s.trouble())
	}
	if kept(t, data, "mine") != 2 || kept(t, data, "sub") != 2 || kept(t, data, "full") != 1 {
		t.Error("not every version is kept")
	}
}

func kept(t *testing.T, data, name string) int {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(data, "flows", "versions", name+"@*.yaml"))
	must(t, err)
	return len(files)
}

// TestTheFolderIsWatched: a change is taken once the folder is still.
func TestTheFolderIsWatched(t *testing.T) {
	flows := t.TempDir()
	file := filepath.Join(flows, "full.yaml")
	must(t, os.WriteFile(file, []byte("nodes: {bye: {kind: hangup}}\n"), 0o600))
	cfg := config.Default()
	cfg.Data, cfg.Flows = t.TempDir(), flows
	cfg.Lines[0].Consent = config.ConsentNever
	prompts, err := ivr.LoadPrompts(ivr.BuiltinPrompts())
	must(t, err)
	synctest.Test(t, func(t *testing.T) {
		s, err := newShelf(cfg, slog.New(slog.DiscardHandler), prompts)
		must(t, err)
		ctx, stop := context.WithCancel(context.Background())
		done := make(chan struct{})
		go func() { defer close(done); s.watch(ctx) }()
		before := s.flow("full").Version()
		time.Sleep(2 * watchEvery)
		if s.flow("full").Version() != before {
			t.Error("a new version without a change")
		}
		must(t, os.WriteFile(file, []byte("nodes: {bye: {kind: hangup, say: goodbye}}\n"), 0o600))
		time.Sleep(3 * watchEvery)
		synctest.Wait()
		if s.flow("full").Version() == before {
			t.Error("the change was not taken")
		}
		stop()
		<-done
	})
}
