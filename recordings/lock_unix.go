//go:build unix

package recordings

import (
	"errors"
	"fmt"
	"os"
	"syscall"
)

// errLocked: another process records into this folder.
var errLocked = errors.New("another process records into this data folder")

// lockFile locks name until the file is closed or the process dies, however it
// dies; errLocked if another process has it.
func lockFile(name string) (*os.File, error) {
	f, err := os.OpenFile(name, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, fmt.Errorf("open the lock %s: %w", name, err)
	}
	err = syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
	if err == nil {
		return f, nil
	}
	if errors.Is(err, syscall.EWOULDBLOCK) {
		err = errLocked
	}
	return nil, errors.Join(fmt.Errorf("lock %s: %w", name, err), f.Close())
}
