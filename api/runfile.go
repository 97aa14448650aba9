package api

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"callfloor/internal/store"
)

// RunFile is DIR/run.json: how programs on the same machine reach the running
// server. It holds an administrator's token, so only the owner may read it.
type RunFile struct {
	URL   string `json:"url"`
	Token string `json:"token"`
	PID   int    `json:"pid"`
}

const runFileName = "run.json"

// WriteRunFile writes dir/run.json with mode 0600.
func WriteRunFile(dir string, f RunFile) error {
	f.PID = os.Getpid()
	body, err := json.MarshalIndent(f, "", "  ")
	if err != nil {
		return fmt.Errorf("encode %s: %w", runFileName, err)
	}
	path := filepath.Join(dir, runFileName)
	if err := store.WriteFile(path, append(body, '\n'), 0o600); err != nil {
		return fmt.Errorf("write %s: %w", path, err)
	}
	return nil
}

// ReadRunFile reads dir/run.json; the error is fs.ErrNotExist when no server
// runs on dir.
func ReadRunFile(dir string) (RunFile, error) {
	var f RunFile
	path := filepath.Join(dir, runFileName)
	body, err := os.ReadFile(path)
	if err != nil {
		return f, fmt.Errorf("read %s: %w", path, err)
	}
	if err := json.Unmarshal(body, &f); err != nil {
		return f, fmt.Errorf("read %s: %w", path, err)
	}
	return f, nil
}

// RemoveRunFile removes dir/run.json if it is of this process.
func RemoveRunFile(dir string) error {
	f, err := ReadRunFile(dir)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil
	case err != nil:
		return err
	case f.PID != os.Getpid():
		return nil
	}
	return os.Remove(filepath.Join(dir, runFileName))
}
