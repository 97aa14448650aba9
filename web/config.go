package web

import (
	"fmt"
	"net"
	"net/netip"
	"strconv"
)

// Config is the part of the configuration file that belongs to browsers.
type Config struct {
	// Listen is the address of all WebRTC media, UDP and TCP on one port. An
	// empty host means every interface, loopback included; port 0 takes a free
	// one.
	Listen string `yaml:"listen"`
	// External is the public IP address to put into ICE candidates where the
	// server is behind a 1:1 NAT; empty for the interfaces' own.
	External string `yaml:"external_ip"`
	// TURN is the address of the embedded TURN server, UDP and TCP, for seats
	// whose firewall lets them reach no other port: ":3478" is usual. Empty for
	// none. It relays to the media port alone.
	TURN string `yaml:"turn"`
	// DSCPAudio marks what sounds (RFC 2474), and not pictures, where the media
	// port is read in batches; 0: no mark.
	DSCPAudio int `yaml:"dscp_audio"`
	// MaxTabs is how many seat sockets one user may have open.
	MaxTabs int `yaml:"max_tabs"`
	// MessagesPerSecond is what one seat socket may send for long; twice as
	// much may come in a burst.
	MessagesPerSecond int `yaml:"messages_per_second"`
}

// DefaultConfig returns the configuration of a server without a file.
func DefaultConfig() Config {
	return Config{Listen: ":8090", DSCPAudio: 46, MaxTabs: 8, MessagesPerSecond: 50}
}

// Validate says what is wrong and what would be right.
func (c Config) Validate() error {
	if _, _, err := c.address(); err != nil {
		return err
	}
	if c.TURN != "" {
		if _, _, err := hostPort("turn", c.TURN); err != nil {
			return err
		}
	}
	if c.External != "" {
		if _, err := netip.ParseAddr(c.External); err != nil {
			return fmt.Errorf("external_ip %q is not an IP address; write one like 203.0.113.7, or leave it empty", c.External)
		}
	}
	if c.DSCPAudio < 0 || c.DSCPAudio > 63 {
		return fmt.Errorf("dscp_audio %d is out of range; 0 to 63, 46 is usual", c.DSCPAudio)
	}
	if c.MaxTabs < 1 || c.MaxTabs > 64 {
		return fmt.Errorf("max_tabs %d is out of range; 1 to 64, 8 is usual", c.MaxTabs)
	}
	if c.MessagesPerSecond < 10 || c.MessagesPerSecond > 10000 {
		return fmt.Errorf("messages_per_second %d is out of range; 10 to 10000, 50 is usual", c.MessagesPerSecond)
	}
	return nil
}

// address splits Listen; ip is invalid for "every interface".
func (c Config) address() (ip netip.Addr, port int, err error) {
	return hostPort("listen", c.Listen)
}

// hostPort splits the address of a key; ip is invalid for "every interface".
func hostPort(key, address string) (ip netip.Addr, port int, err error) {
	usual := 8090
	if key == "turn" {
		usual = 3478
	}
	host, number, err := net.SplitHostPort(address)
	if err != nil {
		return ip, 0, fmt.Errorf("%s %q is not an address; write :%d or 127.0.0.1:%d", key, address, usual, usual)
	}
	port, err = strconv.Atoi(number)
	if err != nil || port < 0 || port > 65535 {
		return ip, 0, fmt.Errorf("%s %q has no port from 0 to 65535; :%d is usual", key, address, usual)
	}
	if host == "" {
		return ip, port, nil
	}
	ip, err = netip.ParseAddr(host)
	if err != nil {
		return ip, 0, fmt.Errorf("%s %q has no IP address before the port; write 127.0.0.1:%d, or :%d for every interface", key, address, port, port)
	}
	if ip.IsUnspecified() {
		return netip.Addr{}, port, nil
	}
	return ip, port, nil
}
