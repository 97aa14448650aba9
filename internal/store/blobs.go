package store

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"regexp"
	"slices"
	"strings"
	"sync/atomic"
	"time"
)

// Blobs keeps files that are written from front to back: captures. A name is
// a relative path of plain elements, "2026/11/23/ID.cap"; see ValidBlobName.
// The errors of a name that is taken, or that is not there, match
// fs.ErrExist and fs.ErrNotExist.
type Blobs interface {
	// Create makes a new, empty blob and opens it for writing; the name
	// outlives a crash from then on. It is fs.ErrExist if the name is taken.
	Create(name string) (Blob, error)
	// Open opens a blob for reading, also while it is being written.
	Open(name string) (BlobReader, error)
	// Append opens an existing blob for writing at its end.
	Append(name string) (Blob, error)
	// Remove deletes a blob.
	Remove(name string) error
	// List returns the blobs whose names begin with prefix, sorted by name.
	List(prefix string) ([]BlobInfo, error)
}

// Blob is a blob open for writing. It is not safe for concurrent use, but for
// one Sync beside one Write.
type Blob interface {
	io.Writer
	// Sync returns when everything written before it is on the disk.
	Sync() error
	io.Closer
}

// BlobReader is a blob open for reading; ReadAt may be called concurrently.
type BlobReader interface {
	io.ReaderAt
	io.Closer
	// Size is the blob's length in octets now.
	Size() int64
}

// BlobInfo is one blob of a list.
type BlobInfo struct {
	Name     string
	Size     int64 // octets
	Modified time.Time
}

var blobElement = regexp.MustCompile(`^[0-9A-Za-z_][0-9A-Za-z_.-]{0,127}$`)

// ValidBlobName says whether name may name a blob: elements of letters,
// digits, "_", "-" and ".", none beginning with "." or "-", joined by "/", at
// most 512 octets.
func ValidBlobName(name string) bool {
	if name == "" || len(name) > 512 {
		return false
	}
	for element := range strings.SplitSeq(name, "/") {
		if !blobElement.MatchString(element) {
			return false
		}
	}
	return true
}

// DirBlobs keeps blobs as files under one folder (files mode 0600, folders
// 0700) and reaches nothing outside of it, whatever a name or a symbolic link
// says.
type DirBlobs struct {
	dir  string
	root *os.Root
	// open opens a file for writing; tests put a failing disk here.
	open func(root *os.Root, name string, flag int) (file, error)
}

// file is what a Blob needs of an *os.File.
type file interface {
	io.Writer
	Sync() error
	Close() error
}

// OpenBlobs opens the folder dir for blobs and makes it (mode 0700) if it is
// missing. Close it after use.
func OpenBlobs(dir string) (*DirBlobs, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("make the blob folder %s: %w", dir, err)
	}
	root, err := os.OpenRoot(dir)
	if err != nil {
		return nil, fmt.Errorf("open the blob folder %s: %w", dir, err)
	}
	return &DirBlobs{dir: dir, root: root, open: openFile}, nil
}

func openFile(root *os.Root, name string, flag int) (file, error) {
	f, err := root.OpenFile(name, flag, 0o600)
	if err != nil {
		return nil, err
	}
	return f, nil
}

// Dir returns the folder.
func (d *DirBlobs) Dir() string { return d.dir }

// Close closes the folder; blobs that are open stay usable.
func (d *DirBlobs) Close() error { return d.root.Close() }

// Create implements Blobs. The folders on the way are made, and the new
// entries are on the disk when it returns.
func (d *DirBlobs) Create(name string) (Blob, error) {
	if err := checkName("create", name); err != nil {
		return nil, err
	}
	made, err := d.mkdirs(path.Dir(name))
	if err != nil {
		return nil, fmt.Errorf("create the blob %s: %w", name, err)
	}
	f, err := d.open(d.root, name, os.O_WRONLY|os.O_CREATE|os.O_EXCL)
	if err != nil {
		return nil, fmt.Errorf("create the blob %s: %w", name, err)
	}
	for _, dir := range made {
		if err := d.syncDir(dir); err != nil {
			return nil, errors.Join(fmt.Errorf("create the blob %s: %w", name, err), f.Close())
		}
	}
	return &blob{f: f, name: name}, nil
}

// Open implements Blobs.
func (d *DirBlobs) Open(name string) (BlobReader, error) {
	if err := d.checkFile("open", name); err != nil {
		return nil, err
	}
	f, err := d.root.Open(name)
	if err != nil {
		return nil, fmt.Errorf("open the blob %s: %w", name, err)
	}
	return &blobReader{f}, nil
}

// Append implements Blobs.
func (d *DirBlobs) Append(name string) (Blob, error) {
	if err := d.checkFile("append to", name); err != nil {
		return nil, err
	}
	f, err := d.open(d.root, name, os.O_WRONLY|os.O_APPEND)
	if err != nil {
		return nil, fmt.Errorf("append to the blob %s: %w", name, err)
	}
	return &blob{f: f, name: name}, nil
}

// Remove implements Blobs. It is on the disk when it returns; the folders on
// the way stay.
func (d *DirBlobs) Remove(name string) error {
	if err := d.checkFile("remove", name); err != nil {
		return err
	}
	if err := d.root.Remove(name); err != nil {
		return fmt.Errorf("remove the blob %s: %w", name, err)
	}
	if err := d.syncDir(path.Dir(name)); err != nil {
		return fmt.Errorf("remove the blob %s: %w", name, err)
	}
	return nil
}

// List implements Blobs. Files whose names are not names of blobs are left
// out; so are those that vanish while it looks.
func (d *DirBlobs) List(prefix string) ([]BlobInfo, error) {
	start := "."
	if i := strings.LastIndexByte(prefix, '/'); i >= 0 {
		start = prefix[:i]
		if !ValidBlobName(start) {
			return nil, fmt.Errorf("list the blobs with prefix %q: not a name of a folder: %w", prefix, fs.ErrInvalid)
		}
	}
	var infos []BlobInfo
	err := fs.WalkDir(d.root.FS(), start, func(name string, e fs.DirEntry, err error) error {
		if errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		if err != nil {
			return err
		}
		if !e.Type().IsRegular() || !strings.HasPrefix(name, prefix) || !ValidBlobName(name) {
			return nil
		}
		info, err := e.Info()
		if errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		if err != nil {
			return err
		}
		infos = append(infos, BlobInfo{Name: name, Size: info.Size(), Modified: info.ModTime()})
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("list the blobs with prefix %q in %s: %w", prefix, d.dir, err)
	}
	slices.SortFunc(infos, func(a, b BlobInfo) int { return strings.Compare(a.Name, b.Name) })
	return infos, nil
}

// Free returns how many octets an unprivileged process may still write on the
// disk that holds the folder; errors.ErrUnsupported where the system cannot
// say.
func (d *DirBlobs) Free() (octets uint64, err error) {
	octets, err = freeOctets(d.dir)
	if err != nil {
		return 0, fmt.Errorf("free space at %s: %w", d.dir, err)
	}
	return octets, nil
}

// mkdirs makes dir and the folders above it where they are missing. It returns
// the folders whose entries changed or are about to: the parents of those made,
// and dir itself.
func (d *DirBlobs) mkdirs(dir string) (changed []string, err error) {
	changed = []string{dir}
	for p := dir; p != "."; p = path.Dir(p) {
		if _, err := d.root.Stat(p); err == nil {
			break
		}
		changed = append(changed, path.Dir(p))
	}
	return changed, d.root.MkdirAll(dir, 0o700)
}

func (d *DirBlobs) syncDir(dir string) error {
	f, err := d.root.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(f.Sync(), f.Close())
}

// checkFile refuses bad names and whatever is not a regular file: opening a
// pipe would block, a link may lead to another blob.
func (d *DirBlobs) checkFile(verb, name string) error {
	if err := checkName(verb, name); err != nil {
		return err
	}
	info, err := d.root.Lstat(name)
	if err != nil {
		return fmt.Errorf("%s the blob %s: %w", verb, name, err)
	}
	if !info.Mode().IsRegular() {
		return fmt.Errorf("%s the blob %s: not a regular file: %w", verb, name, fs.ErrInvalid)
	}
	return nil
}

func checkName(verb, name string) error {
	if !ValidBlobName(name) {
		return fmt.Errorf("%s the blob %q: not a name of a blob: %w", verb, name, fs.ErrInvalid)
	}
	return nil
}

// blob is a file being written. Its first error stays: whatever follows a
// half-written entry would not be readable.
type blob struct {
	f    file
	name string
	err  atomic.Pointer[error]
}

// failed is the first error, or nil.
func (b *blob) failed() error {
	if err := b.err.Load(); err != nil {
		return *err
	}
	return nil
}

func (b *blob) fail(err error) error {
	b.err.CompareAndSwap(nil, &err)
	return b.failed()
}

// Write appends p whole, or fails for good.
func (b *blob) Write(p []byte) (int, error) {
	if err := b.failed(); err != nil {
		return 0, err
	}
	n, err := b.f.Write(p)
	if err != nil {
		err = b.fail(fmt.Errorf("write the blob %s: %w", b.name, err))
	}
	return n, err
}

// Sync flushes to the disk. An error stays: after a failed fsync the system
// may have dropped what was written.
func (b *blob) Sync() error {
	if err := b.failed(); err != nil {
		return err
	}
	if err := b.f.Sync(); err != nil {
		return b.fail(fmt.Errorf("flush the blob %s: %w", b.name, err))
	}
	return nil
}

// Close closes the file.
func (b *blob) Close() error {
	if err := b.f.Close(); err != nil {
		return fmt.Errorf("close the blob %s: %w", b.name, err)
	}
	return nil
}

type blobReader struct{ *os.File }

// Size returns the length now, 0 if the file was closed.
func (r *blobReader) Size() int64 {
	info, err := r.Stat()
	if err != nil {
		return 0
	}
	return info.Size()
}
