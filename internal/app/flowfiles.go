package app

import (
	"bytes"
	"errors"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"time"

	"callfloor/internal/config"
	"callfloor/ivr"
)

// flowFolder is where the flows of the house stand: the folder of the
// configuration or, without one, a folder of ours that the editor fills.
func flowFolder(cfg config.Config) string {
	if cfg.Flows != "" {
		return cfg.Flows
	}
	return filepath.Join(cfg.Data, "flows", "published")
}

// flowFiles are the flows' files: drafts before the folder before the built-in
// ones.
type flowFiles struct {
	drafts map[string][]byte // by file name
	folder fs.FS
}

func newFlowFiles(folder string, drafts map[string][]byte) flowFiles {
	return flowFiles{drafts: drafts, folder: os.DirFS(folder)}
}

// Open implements fs.FS.
func (f flowFiles) Open(name string) (fs.File, error) {
	if text, ok := f.drafts[name]; ok {
		return &draftFile{Reader: bytes.NewReader(text), name: path.Base(name)}, nil
	}
	file, err := f.folder.Open(name)
	if errors.Is(err, fs.ErrNotExist) {
		return ivr.BuiltinFlows().Open(name)
	}
	return file, err
}

// builtIn tells whether the text of a flow is the built-in one.
func (f flowFiles) builtIn(name string) bool {
	if _, err := fs.Stat(f.folder, name); err == nil {
		return false
	}
	_, err := fs.Stat(ivr.BuiltinFlows(), name)
	return err == nil
}

// draftFile is a text that is not on the disk, as a file.
type draftFile struct {
	*bytes.Reader
	name string
}

// Close implements fs.File.
func (*draftFile) Close() error { return nil }

// Stat implements fs.File.
func (f *draftFile) Stat() (fs.FileInfo, error) { return draftInfo{f}, nil }

type draftInfo struct{ f *draftFile }

// Name implements fs.FileInfo.
func (i draftInfo) Name() string { return i.f.name }

// Size implements fs.FileInfo.
func (i draftInfo) Size() int64 { return i.f.Reader.Size() }

// Mode implements fs.FileInfo.
func (draftInfo) Mode() fs.FileMode { return 0o444 }

// ModTime implements fs.FileInfo.
func (draftInfo) ModTime() time.Time { return time.Time{} }

// IsDir implements fs.FileInfo.
func (draftInfo) IsDir() bool { return false }

// Sys implements fs.FileInfo.
func (draftInfo) Sys() any { return nil }
