package poll

import (
	"encoding/binary"
	"os"
	"unsafe"

	"golang.org/x/sys/unix"
)

// SetTOS sets the octet of IPv4's type of service, or IPv6's traffic class, of
// what the socket sends.
func (s *Socket) SetTOS(class int) error {
	s.mu.RLock()
	defer s.mu.RUnlock()
	if s.ip6 {
		return os.NewSyscallError("setsockopt", unix.SetsockoptInt(s.fd, unix.IPPROTO_IPV6, unix.IPV6_TCLASS, class))
	}
	return os.NewSyscallError("setsockopt", unix.SetsockoptInt(s.fd, unix.IPPROTO_IP, unix.IP_TOS, class))
}

// mark is what the kernel is told beside a single datagram: its type of service or
// traffic class. nil leaves it to the socket. It is never changed once it is made.
type mark []byte

func newMark(ip6 bool, class int) mark {
	m := make(mark, unix.CmsgSpace(4))
	h := (*unix.Cmsghdr)(unsafe.Pointer(&m[0]))
	h.Level, h.Type = unix.IPPROTO_IP, unix.IP_TOS
	if ip6 {
		h.Level, h.Type = unix.IPPROTO_IPV6, unix.IPV6_TCLASS
	}
	h.SetLen(unix.CmsgLen(4))
	binary.NativeEndian.PutUint32(m[unix.CmsgLen(0):], uint32(class))
	return m
}

// set puts the mark beside a datagram.
func (m mark) set(h *unix.Msghdr) {
	if len(m) == 0 {
		h.SetControllen(0)
		return
	}
	h.Control = &m[0]
	h.SetControllen(len(m))
}
