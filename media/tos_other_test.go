//go:build !linux

package media

import "syscall"

func wantTOS(syscall.RawConn) bool { return false }
func parseTOS([]byte) int          { return -1 }
