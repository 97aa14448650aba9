package poll

import (
	"os"

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
