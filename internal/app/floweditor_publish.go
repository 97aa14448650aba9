package app

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"callfloor/api"
	"callfloor/contact"
	"callfloor/internal/store"
	"callfloor/ivr"
)

// Versions implements api.Flows.
func (e *flowEditor) Versions(_ context.Context, name string) ([]api.FlowVersion, error) {
	log, err := e.shelf.logOf(name)
	if err != nil {
		return nil, fmt.Errorf("read the versions of %s: %w", name, err)
	}
	if len(log) == 0 {
		return nil, contact.Errorf(contact.NotFound, "no version of a flow %q is kept", name)
	}
	current := e.current(name)
	_, callers := e.where.began(name)
	list := []api.FlowVersion{}
	found := false
	for _, p := range slices.Backward(log) {
		v := api.FlowVersion{Flow: name, Version: p.Version, At: p.At, By: p.By, Note: p.Note, Callers: callers[p.Version]}
		v.Current = !found && p.Version == current
		found = found || v.Current
		list = append(list, v)
	}
	return list, nil
}

// Publish implements api.Flows.
func (e *flowEditor) Publish(ctx context.Context, name string, in api.FlowPublish, by string) (api.FlowVersion, error) {
	c, err := e.Check(ctx, name, in.Text)
	if err != nil {
		return api.FlowVersion{}, err
	}
	if !c.OK {
		return api.FlowVersion{}, contact.Errorf(contact.Invalid, "the flow is not published: %s", problemText(c.Problems))
	}
	s := e.shelf
	s.mu.Lock()
	now := s.standing(name)
	if now != in.Base {
		s.mu.Unlock()
		return api.FlowVersion{}, contact.Errorf(contact.Conflict, "the flow %s has changed since you began: its version is %s, not %s; look at the changes and publish again", name, cmp.Or(now, "none"), cmp.Or(in.Base, "none"))
	}
	err = s.write(name, in, published{By: by, Note: in.Note})
	s.mu.Unlock()
	if err != nil {
		return api.FlowVersion{}, err
	}
	list, err := e.Versions(ctx, name)
	if err != nil {
		return api.FlowVersion{}, err
	}
	return list[0], nil
}

// standing is the version of what stands in the folder or is built in; "" if
// there is nothing. s.mu is held.
func (s *shelf) standing(name string) string {
	files := newFlowFiles(s.folder, nil)
	if _, err := fs.Stat(files, name+".yaml"); err != nil {
		return ""
	}
	f, _ := ivr.Inspect(files, name+".yaml", s.prompts)
	return f.Version()
}

// write puts a text into the folder and takes it. s.mu is held.
func (s *shelf) write(name string, in api.FlowPublish, by published) error {
	if err := os.MkdirAll(s.folder, 0o755); err != nil {
		return fmt.Errorf("make the folder of the flows: %w", err)
	}
	file := filepath.Join(s.folder, name)
	if in.Tests != nil {
		if err := store.WriteFile(file+ivr.TestSuffix, []byte(*in.Tests), 0o644); err != nil {
			return fmt.Errorf("write the tests of the flow %s: %w", name, err)
		}
	}
	if err := store.WriteFile(file+".yaml", []byte(in.Text), 0o644); err != nil {
		return fmt.Errorf("write the flow %s: %w", name, err)
	}
	if wrong, bad := errors.AsType[*FlowsError](s.reloadLocked(by)); bad {
		s.log.Warn("a flow was published while others have problems", "flow", name, "problems", wrong.Error())
	}
	f, _ := ivr.Inspect(newFlowFiles(s.folder, nil), name+".yaml", s.prompts)
	return s.keep(map[string]*ivr.Flow{name: f}, by) // also where no line has it
}

// RollBack implements api.Flows.
func (e *flowEditor) RollBack(ctx context.Context, name, version, note, by string) (api.FlowVersion, error) {
	text, err := e.shelf.version(name, version)
	if err != nil {
		return api.FlowVersion{}, err
	}
	e.shelf.mu.Lock()
	base := e.shelf.standing(name)
	e.shelf.mu.Unlock()
	if note == "" {
		note = "back to " + version
	}
	return e.Publish(ctx, name, api.FlowPublish{Text: text, Base: base, Note: note}, by)
}

// version reads the text of a version that is kept.
func (s *shelf) version(name, version string) (string, error) {
	text, err := os.ReadFile(s.versionFile(name, version))
	if errors.Is(err, fs.ErrNotExist) {
		return "", contact.Errorf(contact.NotFound, "no version %q of the flow %q is kept", version, name)
	}
	if err != nil {
		return "", fmt.Errorf("read a version of the flow %s: %w", name, err)
	}
	return string(text), nil
}

func problemText(problems []api.FlowProblem) string {
	lines := make([]string, len(problems))
	for i, p := range problems {
		lines[i] = fmt.Sprintf("%s:%d:%d: %s", p.File, p.Line, p.Column, p.Message)
	}
	return strings.Join(lines, "; ")
}
