// Package hep sends copies of SIP messages to a collector, Homer for example, in
// HEPv3 over UDP (the HEP/EEP protocol, revision 12). A collector that is slow
// or gone costs a call nothing: what does not fit into the queue is dropped and
// counted.
package hep

import (
	"encoding/binary"
	"fmt"
	"net"
	"net/netip"
	"sync"
	"sync/atomic"
	"time"
)

// Packet is one message on its way.
type Packet struct {
	At        time.Time
	From, To  netip.AddrPort
	Transport string // "UDP", "TCP", "TLS", "WS", "WSS"
	// Call joins the messages of the legs of one call, the Call-ID for example.
	Call string
	Text string
}

// The chunks of HEPv3 that are used (vendor 0).
const (
	chunkFamily    = 0x0001
	chunkProtocol  = 0x0002
	chunkFrom4     = 0x0003
	chunkTo4       = 0x0004
	chunkFrom6     = 0x0005
	chunkTo6       = 0x0006
	chunkFromPort  = 0x0007
	chunkToPort    = 0x0008
	chunkSeconds   = 0x0009
	chunkMicros    = 0x000a
	chunkKind      = 0x000b
	chunkAgent     = 0x000c
	chunkAuth      = 0x000e
	chunkPayload   = 0x000f
	chunkCall      = 0x0011
	kindSIP        = 1
	familyIPv4     = 2
	familyIPv6     = 10
	protocolTCP    = 6
	protocolUDP    = 17
	maxCall        = 256
	maxPayload     = 32 << 10
	queue          = 1024
	writeTimeLimit = 100 * time.Millisecond
)

// Append appends p in HEPv3. id is the capture agent's number, auth its password
// at the collector, "" for none.
func Append(b []byte, p Packet, id uint32, auth string) []byte {
	from, to := p.From.Addr().Unmap(), p.To.Addr().Unmap()
	start := len(b)
	b = append(b, "HEP3\x00\x00"...)
	family := byte(familyIPv4)
	if !from.Is4() || !to.Is4() {
		family = familyIPv6
	}
	protocol := byte(protocolTCP)
	if p.Transport == "UDP" {
		protocol = protocolUDP
	}
	b = chunk(b, chunkFamily, []byte{family})
	b = chunk(b, chunkProtocol, []byte{protocol})
	if family == familyIPv4 {
		b = chunk(chunk(b, chunkFrom4, from.AsSlice()), chunkTo4, to.AsSlice())
	} else {
		f, t := from.As16(), to.As16()
		b = chunk(chunk(b, chunkFrom6, f[:]), chunkTo6, t[:])
	}
	b = chunk(b, chunkFromPort, binary.BigEndian.AppendUint16(nil, p.From.Port()))
	b = chunk(b, chunkToPort, binary.BigEndian.AppendUint16(nil, p.To.Port()))
	b = chunk(b, chunkSeconds, binary.BigEndian.AppendUint32(nil, uint32(p.At.Unix())))
	b = chunk(b, chunkMicros, binary.BigEndian.AppendUint32(nil, uint32(p.At.Nanosecond()/1000)))
	b = chunk(b, chunkKind, []byte{kindSIP})
	b = chunk(b, chunkAgent, binary.BigEndian.AppendUint32(nil, id))
	if auth != "" {
		b = chunk(b, chunkAuth, []byte(auth))
	}
	if p.Call != "" {
		b = chunk(b, chunkCall, []byte(p.Call[:min(len(p.Call), maxCall)]))
	}
	b = chunk(b, chunkPayload, []byte(p.Text[:min(len(p.Text), maxPayload)]))
	binary.BigEndian.PutUint16(b[start+4:], uint16(len(b)-start))
	return b
}

func chunk(b []byte, kind uint16, value []byte) []byte {
	b = binary.BigEndian.AppendUint16(b, 0) // vendor
	b = binary.BigEndian.AppendUint16(b, kind)
	b = binary.BigEndian.AppendUint16(b, uint16(6+len(value)))
	return append(b, value...)
}

// Sender sends packets to a collector. It has one goroutine, which Close joins.
type Sender struct {
	conn    net.Conn
	id      uint32
	auth    string
	packets chan Packet
	dropped atomic.Uint64
	done    chan struct{}

	mu     sync.RWMutex // guards closed against a send on packets
	closed bool
}

// Dial prepares sending to a collector at HOST:PORT, usually port 9060. Nothing is
// sent before the first packet.
func Dial(to string, id uint32, auth string) (*Sender, error) {
	conn, err := net.Dial("udp", to)
	if err != nil {
		return nil, fmt.Errorf("prepare the export of SIP to %s: %w", to, err)
	}
	s := &Sender{conn: conn, id: id, auth: auth, packets: make(chan Packet, queue), done: make(chan struct{})}
	go s.run()
	return s, nil
}

// Send queues a packet; it never blocks.
func (s *Sender) Send(p Packet) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	if s.closed {
		return
	}
	select {
	case s.packets <- p:
	default:
		s.dropped.Add(1)
	}
}

// Dropped is how many packets were not sent.
func (s *Sender) Dropped() uint64 { return s.dropped.Load() }

// Close sends what is queued and stops.
func (s *Sender) Close() {
	s.mu.Lock()
	if s.closed {
		s.mu.Unlock()
		return
	}
	s.closed = true
	close(s.packets)
	s.mu.Unlock()
	<-s.done
	_ = s.conn.Close()
}

func (s *Sender) run() {
	defer close(s.done)
	var b []byte
	for p := range s.packets {
		b = Append(b[:0], p, s.id, s.auth)
		_ = s.conn.SetWriteDeadline(time.Now().Add(writeTimeLimit))
		if _, err := s.conn.Write(b); err != nil {
			s.dropped.Add(1)
		}
	}
}
