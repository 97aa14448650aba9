package web

import (
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/netip"

	"callfloor/media"
	"callfloor/media/poll"

	"github.com/pion/ice/v4"
)

// udpMux opens one UDP socket on ip, or one on each interface. With a media
// engine they are read and written in batches while packets are many, and what
// the engine's phones say goes out with each batch of theirs. The RTP of
// browsers goes to their intakes. It returns these sockets too, by address. dscp
// is the mark of sound.
func udpMux(ip netip.Addr, port, dscp int, with *media.Engine, browsers *intakes, log *slog.Logger) (ice.UDPMux, map[string]*mediaPort, error) {
	logger := logFactory{log}.NewLogger("ice-udp")
	if with == nil || !poll.Supported {
		m, err := plainMux(ip, port, log)
		return m, nil, err
	}
	addrs := []netip.Addr{ip}
	if !ip.IsValid() {
		var err error
		if addrs, err = interfaceAddrs(); err != nil {
			return nil, nil, fmt.Errorf("webrtc: listing the interfaces: %w", err)
		}
	}
	muxes, ports := make([]ice.UDPMux, 0, len(addrs)), map[string]*mediaPort{}
	for _, a := range addrs {
		addr := netip.AddrPortFrom(a, uint16(port))
		conn, err := poll.ListenPacket(addr, udpBuffer)
		if err != nil {
			errs := []error{fmt.Errorf("webrtc: UDP %s cannot be opened (is another program on that port?): %w", addr, err)}
			for _, m := range muxes {
				errs = append(errs, m.Close())
			}
			return nil, nil, errors.Join(errs...)
		}
		conn.Mark(dscp << 2)
		with.After(conn.Flush)
		one := &mediaPort{conn, browsers}
		ports[conn.LocalAddr().String()] = one
		muxes = append(muxes, ice.NewUDPMuxDefault(ice.UDPMuxParams{UDPConn: one, Logger: logger}))
		port = conn.LocalAddr().(*net.UDPAddr).Port
	}
	if ip.IsValid() {
		return muxes[0], ports, nil
	}
	return ice.NewMultiUDPMuxDefault(muxes...), ports, nil
}

// plainMux is udpMux with Go's own sockets.
func plainMux(ip netip.Addr, port int, log *slog.Logger) (ice.UDPMux, error) {
	logger := logFactory{log}.NewLogger("ice-udp")
	if !ip.IsValid() {
		m, err := ice.NewMultiUDPMuxFromPort(port, ice.UDPMuxFromPortWithLoopback(), ice.UDPMuxFromPortWithReadBufferSize(udpBuffer), ice.UDPMuxFromPortWithLogger(logger))
		if err != nil {
			return nil, fmt.Errorf("webrtc: UDP port %d cannot be opened on every interface (is another program on it?): %w", port, err)
		}
		return m, nil
	}
	addr := net.UDPAddrFromAddrPort(netip.AddrPortFrom(ip, uint16(port)))
	conn, err := net.ListenUDP("udp", addr)
	if err != nil {
		return nil, fmt.Errorf("webrtc: UDP %s cannot be opened (is another program on that port?): %w", addr, err)
	}
	_ = conn.SetReadBuffer(udpBuffer) // as much as the kernel allows
	return ice.NewUDPMuxDefault(ice.UDPMuxParams{UDPConn: conn, Logger: logger}), nil
}

// interfaceAddrs returns the addresses of all interfaces that are up, loopback
// too, but for those that ICE does not allow (RFC 8445 §5.1.1.1).
func interfaceAddrs() ([]netip.Addr, error) {
	interfaces, err := net.Interfaces()
	if err != nil {
		return nil, err
	}
	var all []netip.Addr
	for _, i := range interfaces {
		if i.Flags&net.FlagUp == 0 {
			continue
		}
		addrs, err := i.Addrs()
		if err != nil {
			continue // it went away
		}
		for _, a := range addrs {
			if n, ok := a.(*net.IPNet); ok {
				if ip, ok := netip.AddrFromSlice(n.IP); ok && candidateAddr(ip.Unmap()) {
					all = append(all, zoned(ip.Unmap(), i.Name))
				}
			}
		}
	}
	if len(all) == 0 {
		return nil, errors.New("no interface is up")
	}
	return all, nil
}

// oldAddrs are IPv4-compatible and site-local addresses.
var oldAddrs = [...]netip.Prefix{netip.MustParsePrefix("::/96"), netip.MustParsePrefix("fec0::/10")}

func candidateAddr(ip netip.Addr) bool {
	for _, p := range oldAddrs {
		if p.Contains(ip) {
			return false
		}
	}
	return true
}

func zoned(ip netip.Addr, name string) netip.Addr {
	if ip.Is6() && ip.IsLinkLocalUnicast() {
		return ip.WithZone(name)
	}
	return ip
}
