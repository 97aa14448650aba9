// Package poll reads and writes many UDP sockets with few wake-ups. At 50
// packets a second and socket it is waking a thread up, not the packet, that
// costs: so while packets come often they are fetched once a millisecond, and
// while they come seldom at once.
//
//	Loop        one goroutine, an epoll of its own, any number of Sockets
//	PacketConn  one socket with many far ends, read and written in batches
//
// Both sleep in Go's own poller, so no thread is held. Their sockets are not
// in it: otherwise each packet would wake it, and that is what is saved here.
// On systems without epoll Supported is false and Listen and NewLoop return
// errors.ErrUnsupported: use net.UDPConn and a goroutine for each socket.
package poll

import (
	"net/netip"
	"time"
)

// MaxDatagram is the longest datagram that is read whole; media fits an
// Ethernet frame.
const MaxDatagram = 2048

// Handler takes one datagram. b is its own only while it runs; it must not
// block.
type Handler func(b []byte, from netip.AddrPort, at time.Time)
