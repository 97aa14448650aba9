package media

import "syscall"

// wantTOS asks for each packet's mark.
func wantTOS(raw syscall.RawConn) (ok bool) {
	err := raw.Control(func(fd uintptr) {
		ok = syscall.SetsockoptInt(int(fd), syscall.IPPROTO_IP, syscall.IP_RECVTOS, 1) == nil
	})
	return ok && err == nil
}

// parseTOS finds the mark in what came beside a packet; -1 if it is not there.
func parseTOS(oob []byte) int {
	all, err := syscall.ParseSocketControlMessage(oob)
	if err != nil {
		return -1
	}
	for _, m := range all {
		if m.Header.Level == syscall.IPPROTO_IP && m.Header.Type == syscall.IP_TOS && len(m.Data) > 0 {
			return int(m.Data[0])
		}
	}
	return -1
}
