//go:build !linux

package poll

import (
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
)

// Supported says whether this system has what this package needs.
const Supported = false

var errUnsupported = fmt.Errorf("media sockets of their own poller: %w", errors.ErrUnsupported)

// Socket is a UDP socket of a Loop; there is none here.
type Socket struct{}

// Listen returns errors.ErrUnsupported.
func Listen(netip.AddrPort, int) (*Socket, error) { return nil, errUnsupported }

// LocalAddr returns the address that is bound.
func (*Socket) LocalAddr() netip.AddrPort { return netip.AddrPort{} }

// WriteToUDPAddrPort returns errors.ErrUnsupported.
func (*Socket) WriteToUDPAddrPort([]byte, netip.AddrPort) (int, error) { return 0, errUnsupported }

// SetTOS fails.
func (*Socket) SetTOS(int) error { return errUnsupported }

// Close does nothing.
func (*Socket) Close() error { return nil }

// Loop reads sockets; there is none here.
type Loop struct{}

// NewLoop returns errors.ErrUnsupported.
func NewLoop(*slog.Logger) (*Loop, error) { return nil, errUnsupported }

// Len returns 0.
func (*Loop) Len() int { return 0 }

// Ticking returns false.
func (*Loop) Ticking() bool { return false }

// Serve does nothing.
func (*Loop) Serve(*Socket, Handler, func()) {}

// After does nothing.
func (*Loop) After(func()) {}

// Close does nothing.
func (*Loop) Close() {}

// PacketConn is a UDP socket that is read and written in batches; there is
// none here.
type PacketConn struct{ net.PacketConn }

// ListenPacket returns errors.ErrUnsupported.
func ListenPacket(netip.AddrPort, int) (*PacketConn, error) { return nil, errUnsupported }

// ReadFromAddrPort returns errors.ErrUnsupported.
func (*PacketConn) ReadFromAddrPort([]byte) (int, netip.AddrPort, error) {
	return 0, netip.AddrPort{}, errUnsupported
}

// WriteToAddrPort returns errors.ErrUnsupported.
func (*PacketConn) WriteToAddrPort([]byte, netip.AddrPort) (int, error) { return 0, errUnsupported }

// Mark does nothing.
func (*PacketConn) Mark(int) {}

// WriteMarked returns errors.ErrUnsupported.
func (*PacketConn) WriteMarked([]byte, netip.AddrPort) (int, error) { return 0, errUnsupported }

// Flush does nothing.
func (*PacketConn) Flush() {}
