package sip

import (
	"net"
	"net/netip"
)

// localIP is the address that the far end at remote should use for us, and
// the one to bind media to.
func (s *Server) localIP(remote netip.AddrPort) (advertise, bindTo netip.Addr) {
	bindTo = s.addr.Addr()
	if bindTo.IsUnspecified() {
		bindTo = routeTo(remote)
	}
	advertise = bindTo
	if ip, ok := s.outsideAddr(); ok && ip.Is4() == remote.Addr().Unmap().Is4() && !near(remote.Addr(), bindTo) {
		advertise = ip
	}
	return advertise, bindTo
}

// routeTo asks the kernel which of our addresses packets to remote leave from.
// No packet is sent.
func routeTo(remote netip.AddrPort) netip.Addr {
	c, err := net.DialUDP("udp", nil, net.UDPAddrFromAddrPort(remote))
	if err != nil {
		return netip.AddrFrom4([4]byte{127, 0, 0, 1})
	}
	defer func() { _ = c.Close() }()
	return addrPort(c.LocalAddr()).Addr()
}
