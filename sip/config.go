package sip

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"strconv"
	"strings"
	"time"

	"callfloor/media/codec"
	"callfloor/sip/sdp"
)

// Config is the SIP part of the configuration.
type Config struct {
	// Listen is the address of the SIP port, UDP and TCP, ":5060".
	Listen string `yaml:"listen"`
	// TLS, WS and WSS are the addresses of SIP over TLS and over WebSocket
	// (RFC 7118, for softphones in browsers); "": none.
	TLS string `yaml:"tls"`
	WS  string `yaml:"ws"`
	WSS string `yaml:"wss"`
	// Certificate and Key are PEM files for TLS and WSS, read again when they
	// change; without them the server makes a certificate of its own.
	Certificate string `yaml:"certificate"`
	Key         string `yaml:"key"`
	// Origins are the pages whose browsers may connect by WS and WSS, beside
	// those of the server's own name: "https://phone.example.com".
	Origins []string `yaml:"origins"`
	// External is the address that phones reach us at when it is not the
	// machine's own (behind a NAT); "auto" asks a STUN server, at the start and
	// again and again; empty: the address of the route to each phone. Far ends in
	// networks of our own are told our own address in any case.
	External string `yaml:"external_ip"`
	// STUN is the server that auto asks, HOST:PORT.
	STUN string `yaml:"stun"`
	// RTPPorts is the range of UDP ports for audio, "20000-32767".
	RTPPorts string `yaml:"rtp_ports"`
	// Codecs are the audio formats that are taken from phones and offered to
	// them, best first: PCMU, PCMA, G722, opus.
	Codecs []string `yaml:"codecs"`
	// CodecOrder says whose order counts when a phone offers several: "theirs",
	// as RFC 3264 wants it, or "ours".
	CodecOrder string `yaml:"codec_order"`
	// SRTP says whether audio is encrypted: "optional" wherever a phone offers
	// it (SDES or DTLS), "require" refuses calls without it, "off" does without.
	SRTP sdp.Policy `yaml:"srtp"`
	// DSCP marks SIP and DSCPAudio audio packets for networks that heed it
	// (RFC 4594: 24 is CS3, 46 is EF); 0 leaves them as they are.
	DSCP      int `yaml:"dscp"`
	DSCPAudio int `yaml:"dscp_audio"`
	// MaxCalls is how many calls may be there at once; further ones get 503.
	MaxCalls int `yaml:"max_calls"`
	// CallsPerSource is how many calls of one address may be waiting for an
	// answer or its acknowledgement at once. 127.0.0.1 and ::1 may have half
	// of MaxCalls, since load tests and the demo come from there.
	CallsPerSource int `yaml:"calls_per_source"`
	// MaxCallsPerSource is how many calls one address that is no trunk's may
	// have at once, answered or not; 0 is no limit. Loopback has none.
	MaxCallsPerSource int `yaml:"max_calls_per_source"`
	// MessagesPerSecond is how many SIP messages one address may send; 0: any.
	// Trunks and this machine may send any.
	MessagesPerSecond int `yaml:"messages_per_second"`
	// BanAfter is how many bad requests of one address in a minute (wrong
	// passwords, unknown numbers) shut it out for BanFor; 0: never. Trunks, this
	// machine, and addresses with an honest call or phone are never shut out.
	BanAfter int           `yaml:"ban_after"`
	BanFor   time.Duration `yaml:"ban_for"`
	// RefuseScanners drops requests of programs that look for open doors, by
	// their User-Agent, without an answer, and shuts their addresses out.
	RefuseScanners bool `yaml:"refuse_scanners"`
	// Strangers says what becomes of INVITEs that no trunk's network sends:
	// "answer", they may call lines, or "challenge", they must prove by a digest to
	// be a trunk's (TrunkConfig.Login) or a telephone of the house.
	Strangers string `yaml:"strangers"`
	// Algorithms are what INVITEs are challenged with, in this order (RFC 8760):
	// SHA-256, MD5. Some telephones know MD5 alone.
	Algorithms []string `yaml:"algorithms"`
	// MaxBody is how many octets of body (SDP) a message may carry.
	MaxBody int `yaml:"max_body"`
	// RingLimit is how long a call may ring unanswered before it is refused
	// with 480.
	RingLimit time.Duration `yaml:"ring_limit"`
	// EarlyLimit is how long a caller may be spoken to before the answer; then the
	// call is refused with 480.
	EarlyLimit time.Duration `yaml:"early_limit"`
	// RTPSilenceWarn and RTPSilenceEnd: after so long without a packet from
	// the phone the leg warns, and ends. Held legs are exempt.
	RTPSilenceWarn time.Duration `yaml:"rtp_silence_warn"`
	RTPSilenceEnd  time.Duration `yaml:"rtp_silence_end"`
	// SessionExpires is the session timer that our calls ask for (RFC 4028): a
	// dialog that nobody refreshes ends. 0 asks for none.
	SessionExpires time.Duration `yaml:"session_expires"`
	// MinSessionExpires is the shortest session timer that is accepted
	// (RFC 4028 §5, at least 90 s); shorter ones get 422.
	MinSessionExpires time.Duration `yaml:"min_session_expires"`
	// KeepMessages is how long the SIP messages of calls are kept, without their
	// secrets.
	KeepMessages time.Duration `yaml:"keep_messages"`
	// STIR says who is believed about callers' numbers, HEP where copies of SIP
	// messages go.
	STIR STIR `yaml:"stir"`
	HEP  HEP  `yaml:"hep"`
	// Registrar is for users' telephones.
	Registrar RegistrarConfig `yaml:"registrar"`
}

// Whose order of codecs counts.
const (
	TheirsFirst = "theirs"
	OursFirst   = "ours"
)

// spoken are the codecs of a valid Config.
func (c Config) spoken() []codec.ID {
	ids := make([]codec.ID, len(c.Codecs))
	for i, name := range c.Codecs {
		ids[i] = codec.Parse(name)
	}
	return ids
}

// DefaultConfig returns the defaults of callfloor.example.yaml.
func DefaultConfig() Config {
	return Config{
		Listen:            ":5060",
		STUN:              "stun.l.google.com:19302",
		RTPPorts:          "20000-32767",
		Codecs:            []string{"PCMU", "PCMA", "G722", "opus"},
		CodecOrder:        TheirsFirst,
		SRTP:              sdp.Optional,
		DSCP:              24,
		DSCPAudio:         46,
		MaxCalls:          1000,
		CallsPerSource:    50,
		MaxCallsPerSource: 200,
		Origins:           []string{},
		MessagesPerSecond: 200,
		BanAfter:          20,
		BanFor:            10 * time.Minute,
		RefuseScanners:    true,
		Strangers:         StrangersAnswered,
		Algorithms:        []string{SHA256, MD5},
		MaxBody:           32 << 10,
		RingLimit:         5 * time.Minute,
		EarlyLimit:        3 * time.Minute,
		RTPSilenceWarn:    30 * time.Second,
		RTPSilenceEnd:     60 * time.Second,
		SessionExpires:    30 * time.Minute,
		MinSessionExpires: 90 * time.Second,
		STIR:              STIR{Timeout: 2 * time.Second, MaxAge: time.Minute, Attest: "A"},
		HEP:               HEP{ID: 2001},
		KeepMessages:      7 * 24 * time.Hour,
		Registrar:         DefaultRegistrarConfig(),
	}
}

// Validate says what is wrong with c, naming the key and what would be right.
func (c Config) Validate() error {
	var errs []error
	bad := func(format string, args ...any) { errs = append(errs, fmt.Errorf(format, args...)) }
	if _, err := splitListen(c.Listen); err != nil {
		bad("sip.listen: %w", err)
	}
	for _, l := range []struct{ key, listen string }{{"tls", c.TLS}, {"ws", c.WS}, {"wss", c.WSS}} {
		if l.listen == "" {
			continue
		}
		if _, err := splitListen(l.listen); err != nil {
			bad("sip.%s: %w", l.key, err)
		}
	}
	if (c.Certificate == "") != (c.Key == "") {
		bad("sip.certificate: certificate and key belong together; give both files or none")
	}
	if c.MessagesPerSecond < 0 || c.MessagesPerSecond > 0 && c.MessagesPerSecond < 10 {
		bad("sip.messages_per_second: %d; it must be 0 (any number) or 10 and more", c.MessagesPerSecond)
	}
	if c.BanAfter < 0 || c.BanAfter > 0 && c.BanFor < time.Second {
		bad("sip.ban_after: %d bad requests for %s; it must be 0 (never) or more, and ban_for 1s or more", c.BanAfter, c.BanFor)
	}
	if c.Strangers != StrangersAnswered && c.Strangers != StrangersChallenged {
		bad("sip.strangers: %q is not known; write answer or challenge", c.Strangers)
	}
	validateAlgorithms(bad, "sip.algorithms", c.Algorithms)
	if c.External != "" && c.External != Auto {
		if _, err := netip.ParseAddr(c.External); err != nil {
			bad("sip.external_ip: %q is not an IP address; write one, like 203.0.113.7, or auto, or leave it empty", c.External)
		}
	}
	if _, _, err := net.SplitHostPort(c.STUN); err != nil && c.External == Auto {
		bad("sip.stun: %q is not HOST:PORT; write the address of a STUN server, like stun.l.google.com:19302", c.STUN)
	}
	if _, _, err := c.PortRange(); err != nil {
		bad("sip.rtp_ports: %w", err)
	}
	switch c.SRTP {
	case sdp.Optional, sdp.Require, sdp.Off:
	default:
		bad("sip.srtp: %q is not known; write optional, require or off", c.SRTP)
	}
	if c.DSCP < 0 || c.DSCP > 63 {
		bad("sip.dscp: %d; it must be between 0 and 63, 24 is usual", c.DSCP)
	}
	if c.DSCPAudio < 0 || c.DSCPAudio > 63 {
		bad("sip.dscp_audio: %d; it must be between 0 and 63, 46 is usual", c.DSCPAudio)
	}
	if len(c.Codecs) == 0 {
		bad("sip.codecs: there is none; write PCMU, PCMA, G722, opus, or some of them")
	}
	for _, name := range c.Codecs {
		if !codec.Parse(name).Audio() {
			bad("sip.codecs: %q is not a codec; write PCMU, PCMA, G722 or opus", name)
		}
	}
	if c.CodecOrder != TheirsFirst && c.CodecOrder != OursFirst {
		bad("sip.codec_order: %q is not an order; write theirs or ours", c.CodecOrder)
	}
	if c.MaxCalls < 1 {
		bad("sip.max_calls: %d; it must be 1 or more", c.MaxCalls)
	}
	if c.MaxCallsPerSource < 0 {
		bad("sip.max_calls_per_source: %d; it must be 1 or more, or 0 for no limit", c.MaxCallsPerSource)
	}
	if c.CallsPerSource < 1 {
		bad("sip.calls_per_source: %d; it must be 1 or more", c.CallsPerSource)
	}
	if c.MaxBody < 1024 || c.MaxBody > 60<<10 {
		bad("sip.max_body: %d; it must be between 1024 and 61440 octets", c.MaxBody)
	}
	if c.RingLimit < time.Second {
		bad("sip.ring_limit: %s; it must be 1s or more", c.RingLimit)
	}
	if c.EarlyLimit < time.Second {
		bad("sip.early_limit: %s; it must be 1s or more", c.EarlyLimit)
	}
	if c.RTPSilenceWarn <= 0 || c.RTPSilenceEnd <= c.RTPSilenceWarn {
		bad("sip.rtp_silence_end: %s; it must be more than rtp_silence_warn (%s), and that more than 0", c.RTPSilenceEnd, c.RTPSilenceWarn)
	}
	errs = append(errs, c.STIR.validate(), c.HEP.validate())
	if c.KeepMessages < 0 {
		bad("sip.keep_messages: %s; it must be 0s (none) or more, 7d is usual", c.KeepMessages)
	}
	if c.SessionExpires != 0 && (c.SessionExpires < c.MinSessionExpires || c.SessionExpires > longestSession) {
		bad("sip.session_expires: %s; it must be 0 (none), or between min_session_expires (%s) and 24h; 30m is usual", c.SessionExpires, c.MinSessionExpires)
	}
	if c.MinSessionExpires < 90*time.Second {
		bad("sip.min_session_expires: %s; RFC 4028 wants 90s or more", c.MinSessionExpires)
	}
	c.Registrar.validate(bad)
	return errors.Join(errs...)
}

// PortRange parses RTPPorts.
func (c Config) PortRange() (from, to int, err error) {
	a, b, ok := strings.Cut(c.RTPPorts, "-")
	if ok {
		from, err = strconv.Atoi(strings.TrimSpace(a))
		if err == nil {
			to, err = strconv.Atoi(strings.TrimSpace(b))
		}
	}
	if !ok || err != nil || from < 1024 || to > 65535 || to-from < 3 {
		return 0, 0, fmt.Errorf("%q is not a range of at least four ports between 1024 and 65535; write 20000-32767, for example", c.RTPPorts)
	}
	return from, to, nil
}

// splitListen parses "host:port" where the host may be missing.
func splitListen(s string) (netip.AddrPort, error) {
	host, port, err := net.SplitHostPort(s)
	if err != nil {
		return netip.AddrPort{}, fmt.Errorf("%q is not HOST:PORT; write :5060 or 127.0.0.1:5060, for example", s)
	}
	p, err := strconv.ParseUint(port, 10, 16)
	if err != nil {
		return netip.AddrPort{}, fmt.Errorf("%q has the port %q; it must be a number from 0 to 65535", s, port)
	}
	if host == "" {
		return netip.AddrPortFrom(netip.IPv6Unspecified(), uint16(p)), nil
	}
	if host == "localhost" {
		host = "127.0.0.1"
	}
	ip, err := netip.ParseAddr(host)
	if err != nil {
		return netip.AddrPort{}, fmt.Errorf("%q has the host %q; it must be an IP address or empty", s, host)
	}
	return netip.AddrPortFrom(ip, uint16(p)), nil
}
