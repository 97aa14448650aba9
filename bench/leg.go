//go:build linux

package main

import (
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"net/netip"
	"sync/atomic"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

// Every packet of ours carries magic and the time at which it was sent in the
// first octets of its payload.
const (
	magic        = 0xCA11F100
	headerOctets = 12
	frameOctets  = 160
	frameTime    = 20 * time.Millisecond
)

// stamp writes magic and now into a payload.
func stamp(payload []byte, now int64) {
	binary.BigEndian.PutUint32(payload, magic)
	binary.BigEndian.PutUint64(payload[4:], uint64(now))
}

// stamped reads it; false if the payload is not ours.
func stamped(payload []byte) (sent int64, ok bool) {
	if len(payload) < 12 || binary.BigEndian.Uint32(payload) != magic {
		return 0, false
	}
	return int64(binary.BigEndian.Uint64(payload[4:])), true
}

// stream is something that says a packet every 20 ms.
type stream interface {
	say(now int64)
	at() time.Duration // phase within 20 ms
	on() bool
}

// leg is a phone's audio: one UDP socket.
type leg struct {
	fd      int
	addr    netip.AddrPort
	phase   time.Duration
	talking atomic.Bool
	to      atomic.Pointer[unix.RawSockaddrInet4]
	key     atomic.Int32 // frames of an RFC 4733 event that are still to be sent; its code is 1
	packet  [headerOctets + frameOctets]byte
	seq     uint16
	ts      uint32

	received atomic.Int64
	first    atomic.Int64 // when the first of our packets came; 0: none yet
}

func newLeg() (*leg, error) {
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_DGRAM|unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return nil, fmt.Errorf("open a phone: %w", err)
	}
	if err := unix.Bind(fd, &unix.SockaddrInet4{Addr: [4]byte{127, 0, 0, 1}}); err != nil {
		return nil, fmt.Errorf("open a phone: %w", err)
	}
	if err := unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_TIMESTAMPNS, 1); err != nil {
		return nil, fmt.Errorf("open a phone: %w", err)
	}
	name, err := unix.Getsockname(fd)
	if err != nil {
		return nil, fmt.Errorf("open a phone: %w", err)
	}
	port := uint16(name.(*unix.SockaddrInet4).Port)
	l := &leg{fd: fd, addr: netip.AddrPortFrom(netip.AddrFrom4([4]byte{127, 0, 0, 1}), port), phase: rand.N(frameTime)}
	l.seq, l.ts = uint16(rand.Uint32()), rand.Uint32()
	l.packet[0] = 0x80
	binary.BigEndian.PutUint32(l.packet[8:], rand.Uint32())
	return l, nil
}

// talk begins to send there.
func (l *leg) talk(to netip.AddrPort) {
	p := to.Port()
	l.to.Store(&unix.RawSockaddrInet4{Family: unix.AF_INET, Port: p<<8 | p>>8, Addr: to.Addr().As4()})
	l.talking.Store(true)
}

// press sends key 1 as an event of 100 ms in the place of audio.
func (l *leg) press() { l.key.Store(8) }

func (l *leg) at() time.Duration { return l.phase }
func (l *leg) on() bool          { return l.talking.Load() }

func (l *leg) say(now int64) {
	n := len(l.packet)
	l.seq++
	l.ts += frameOctets
	l.packet[1] = 0 // PCMU
	ts := l.ts
	if left := l.key.Load(); left > 0 { // RFC 4733 §2.5
		l.key.Store(left - 1)
		step := uint32(8 - left)
		ts -= step * frameOctets
		l.packet[1] = 101
		event := l.packet[headerOctets:]
		event[0], event[1] = 1, 10
		if left <= 3 {
			event[1], step = 0x80|10, 4
		}
		binary.BigEndian.PutUint16(event[2:], uint16((step+1)*frameOctets))
		n = headerOctets + 4
	} else {
		stamp(l.packet[headerOctets:], now)
	}
	binary.BigEndian.PutUint16(l.packet[2:], l.seq)
	binary.BigEndian.PutUint32(l.packet[4:], ts)
	_, _, _ = unix.RawSyscall6(unix.SYS_SENDTO, uintptr(l.fd), uintptr(unsafe.Pointer(&l.packet[0])), uintptr(n),
		unix.MSG_DONTWAIT, uintptr(unsafe.Pointer(l.to.Load())), unix.SizeofSockaddrInet4)
}

func (l *leg) close() { _ = unix.Close(l.fd) }
