package media

import (
	"net"

	"golang.org/x/net/ipv4"
	"golang.org/x/net/ipv6"
)

// MarkDSCP makes what c sends carry a DSCP (RFC 2474): 46, expedited
// forwarding, for audio, 24 for signalling (RFC 4594). c is a *net.UDPConn or
// *net.TCPConn, or has SetTOS. It does what the system allows: a network that
// heeds no marks is no fault.
func MarkDSCP(c any, dscp int) {
	class := dscp << 2
	switch c := c.(type) {
	case interface{ SetTOS(int) error }:
		_ = c.SetTOS(class)
	case *net.UDPConn: // both: one socket may speak both
		_ = ipv4.NewPacketConn(c).SetTOS(class)
		_ = ipv6.NewPacketConn(c).SetTrafficClass(class)
	case *net.TCPConn:
		_ = ipv4.NewConn(c).SetTOS(class)
		_ = ipv6.NewConn(c).SetTrafficClass(class)
	}
}
