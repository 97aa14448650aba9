package poll

import (
	"fmt"
	"net"
	"net/netip"
	"os"
	"strconv"
	"sync"
	"unsafe"

	"golang.org/x/sys/unix"
)

// Supported says whether this system has what this package needs.
const Supported = true

// Socket is a UDP socket that Go's poller knows nothing of. It never blocks:
// what the kernel has no room for is lost, as on any network.
type Socket struct {
	local netip.AddrPort
	ip6   bool

	mu     sync.RWMutex // held for reading by each send, so that a closed descriptor is never used
	fd     int          // -1: closed
	served *served      // set by Loop.Serve before anyone may close
}

// Listen binds a socket. buffer is what the kernel may hold of packets not yet
// fetched, in octets as setsockopt takes them. The error says which address was
// at fault.
func Listen(addr netip.AddrPort, buffer int) (*Socket, error) {
	ip6 := addr.Addr().Is6() && !addr.Addr().Is4In6()
	family := unix.AF_INET
	if ip6 {
		family = unix.AF_INET6
	}
	fd, err := unix.Socket(family, unix.SOCK_DGRAM|unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return nil, fmt.Errorf("open UDP %s: %w", addr, os.NewSyscallError("socket", err))
	}
	s := &Socket{fd: fd, ip6: ip6}
	if err := s.bind(addr, buffer); err != nil {
		_ = unix.Close(fd)
		return nil, fmt.Errorf("open UDP %s: %w", addr, err)
	}
	return s, nil
}

func (s *Socket) bind(addr netip.AddrPort, buffer int) error {
	_ = unix.SetsockoptInt(s.fd, unix.SOL_SOCKET, unix.SO_RCVBUF, buffer) // as much as the kernel allows
	var sa unix.Sockaddr
	if !s.ip6 {
		sa = &unix.SockaddrInet4{Port: int(addr.Port()), Addr: addr.Addr().Unmap().As4()}
	} else {
		if err := unix.SetsockoptInt(s.fd, unix.IPPROTO_IPV6, unix.IPV6_V6ONLY, 1); err != nil {
			return os.NewSyscallError("setsockopt", err)
		}
		sa = &unix.SockaddrInet6{Port: int(addr.Port()), Addr: addr.Addr().As16(), ZoneId: scope(addr.Addr().Zone())}
	}
	if err := unix.Bind(s.fd, sa); err != nil {
		return os.NewSyscallError("bind", err)
	}
	bound, err := unix.Getsockname(s.fd)
	if err != nil {
		return os.NewSyscallError("getsockname", err)
	}
	switch b := bound.(type) {
	case *unix.SockaddrInet4:
		s.local = netip.AddrPortFrom(netip.AddrFrom4(b.Addr), uint16(b.Port))
	case *unix.SockaddrInet6:
		s.local = netip.AddrPortFrom(netip.AddrFrom16(b.Addr).WithZone(addr.Addr().Zone()), uint16(b.Port))
	}
	return nil
}

// LocalAddr returns the address that is bound.
func (s *Socket) LocalAddr() netip.AddrPort { return s.local }

// WriteToUDPAddrPort sends one datagram. It allocates nothing.
func (s *Socket) WriteToUDPAddrPort(b []byte, to netip.AddrPort) (int, error) {
	return s.send(b, to, nil)
}

// send is WriteToUDPAddrPort of a datagram with a mark, or with the socket's own.
func (s *Socket) send(b []byte, to netip.AddrPort, m mark) (int, error) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	if s.fd < 0 {
		return 0, net.ErrClosed
	}
	if len(b) == 0 {
		return 0, nil
	}
	var name unix.RawSockaddrInet6 // the larger of the two
	length, ok := s.put(&name, to)
	if !ok {
		return 0, errFamily
	}
	var vector unix.Iovec
	header := unix.Msghdr{Name: (*byte)(unsafe.Pointer(&name)), Namelen: uint32(length), Iov: &vector}
	vector.Base = &b[0]
	vector.SetLen(len(b))
	header.SetIovlen(1)
	m.set(&header)
	for {
		_, _, errno := unix.RawSyscall(unix.SYS_SENDMSG, uintptr(s.fd), uintptr(unsafe.Pointer(&header)), unix.MSG_DONTWAIT|unix.MSG_NOSIGNAL)
		switch errno {
		case 0:
			return len(b), nil
		case unix.EINTR:
		default:
			return 0, errno
		}
	}
}

// errFamily is a value made once: a wrong address must not cost memory for
// each packet.
var errFamily = fmt.Errorf("send UDP: the address is of another family than the socket's: %w", unix.EAFNOSUPPORT)

// receive fetches one datagram. The Loop calls it, alone.
func (s *Socket) receive(b []byte) (int, netip.AddrPort, error) {
	var name unix.RawSockaddrInet6
	length := uint32(unix.SizeofSockaddrInet6)
	for {
		n, _, errno := unix.RawSyscall6(unix.SYS_RECVFROM, uintptr(s.fd), uintptr(unsafe.Pointer(&b[0])), uintptr(len(b)),
			unix.MSG_DONTWAIT, uintptr(unsafe.Pointer(&name)), uintptr(unsafe.Pointer(&length)))
		switch errno {
		case 0:
			return int(n), get(&name), nil
		case unix.EINTR:
		default:
			return 0, netip.AddrPort{}, errno
		}
	}
}

// put writes an address as the kernel wants it; false if the socket cannot send
// there.
func (s *Socket) put(name *unix.RawSockaddrInet6, to netip.AddrPort) (length int, ok bool) {
	ip := to.Addr().Unmap()
	if !ip.IsValid() || ip.Is6() != s.ip6 {
		return 0, false
	}
	if s.ip6 {
		*name = unix.RawSockaddrInet6{Family: unix.AF_INET6, Port: network(to.Port()), Addr: ip.As16()}
		if z := ip.Zone(); z != "" {
			name.Scope_id = scope(z)
		}
		return unix.SizeofSockaddrInet6, true
	}
	n4 := (*unix.RawSockaddrInet4)(unsafe.Pointer(name))
	*n4 = unix.RawSockaddrInet4{Family: unix.AF_INET, Port: network(to.Port()), Addr: ip.As4()}
	return unix.SizeofSockaddrInet4, true
}

// get reads an address that the kernel wrote.
func get(name *unix.RawSockaddrInet6) netip.AddrPort {
	if name.Family == unix.AF_INET {
		n4 := (*unix.RawSockaddrInet4)(unsafe.Pointer(name))
		return netip.AddrPortFrom(netip.AddrFrom4(n4.Addr), network(n4.Port))
	}
	ip := netip.AddrFrom16(name.Addr)
	if name.Scope_id != 0 && ip.IsLinkLocalUnicast() {
		ip = ip.WithZone(strconv.Itoa(int(name.Scope_id)))
	}
	return netip.AddrPortFrom(ip.Unmap(), network(name.Port))
}

// network turns a port between network and host order.
func network(port uint16) uint16 {
	b := (*[2]byte)(unsafe.Pointer(&port))
	return uint16(b[0])<<8 | uint16(b[1])
}

// scope returns the number of a zone, which is a number or an interface's
// name.
func scope(zone string) uint32 {
	if zone == "" {
		return 0
	}
	if n, err := strconv.ParseUint(zone, 10, 32); err == nil {
		return uint32(n)
	}
	if i, err := net.InterfaceByName(zone); err == nil {
		return uint32(i.Index)
	}
	return 0
}

// Close closes the socket. If a Loop serves it, the Loop's done is called soon
// after, and no handler runs any more then.
func (s *Socket) Close() error {
	if s.served != nil {
		s.served.loop.forget(s.served)
		return nil
	}
	return s.release()
}

// release gives the descriptor back; it may be called again.
func (s *Socket) release() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.fd < 0 {
		return nil
	}
	err := unix.Close(s.fd)
	s.fd = -1
	return err
}
