package sip

import (
	"bufio"
	"crypto/sha1" //nolint:gosec // RFC 6455 wants it; nothing depends on it
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"
)

// SIP over WebSocket (RFC 7118), for softphones in browsers that others wrote.
// sipgo's own upgrades one connection at a time, looks at no Origin and loses
// the stream at a ping with a payload, so these are ours.

const wsGUID = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"

// Opcodes of RFC 6455 §5.2.
const (
	wsContinuation = 0
	wsText         = 1
	wsBinary       = 2
	wsClose        = 8
	wsPing         = 9
	wsPong         = 10
)

var errHandshake = errors.New("no WebSocket handshake for SIP")

// upgrade answers a WebSocket handshake and returns what the client sent behind
// it.
func upgrade(conn net.Conn, origins []string) (rest []byte, err error) {
	_ = conn.SetDeadline(time.Now().Add(setUpTimeout))
	r := bufio.NewReader(io.LimitReader(conn, 16<<10))
	req, err := http.ReadRequest(r)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", errHandshake, err)
	}
	refuse := func(status int, headers string) ([]byte, error) {
		_, _ = fmt.Fprintf(conn, "HTTP/1.1 %d %s\r\n%sConnection: close\r\nContent-Length: 0\r\n\r\n", status, http.StatusText(status), headers)
		return nil, fmt.Errorf("%w: answered %d", errHandshake, status)
	}
	key := req.Header.Get("Sec-WebSocket-Key")
	raw, keyErr := base64.StdEncoding.DecodeString(key)
	switch {
	case req.Method != http.MethodGet || !hasToken(req.Header, "Connection", "upgrade") || !hasToken(req.Header, "Upgrade", "websocket"):
		return refuse(http.StatusUpgradeRequired, "Upgrade: websocket\r\n")
	case req.Header.Get("Sec-WebSocket-Version") != "13":
		return refuse(http.StatusBadRequest, "Sec-WebSocket-Version: 13\r\n")
	case keyErr != nil || len(raw) != 16 || !hasToken(req.Header, "Sec-WebSocket-Protocol", "sip"):
		return refuse(http.StatusBadRequest, "")
	case !originAllowed(req, origins):
		return refuse(http.StatusForbidden, "")
	}
	sum := sha1.Sum([]byte(key + wsGUID)) //nolint:gosec // see the import
	if _, err := fmt.Fprintf(conn, "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: %s\r\nSec-WebSocket-Protocol: sip\r\n\r\n",
		base64.StdEncoding.EncodeToString(sum[:])); err != nil {
		return nil, fmt.Errorf("answer a WebSocket handshake: %w", err)
	}
	_ = conn.SetDeadline(time.Time{})
	rest = make([]byte, r.Buffered())
	_, err = io.ReadFull(r, rest)
	return rest, err
}

func hasToken(h http.Header, name, token string) bool {
	for _, v := range h.Values(name) {
		for t := range strings.SplitSeq(v, ",") {
			if strings.EqualFold(strings.TrimSpace(t), token) {
				return true
			}
		}
	}
	return false
}

// originAllowed: programs send no Origin; pages must be from this machine's own
// name, or from one of the list.
func originAllowed(req *http.Request, origins []string) bool {
	origin := req.Header.Get("Origin")
	if origin == "" {
		return true
	}
	u, err := url.Parse(origin)
	if err != nil {
		return false
	}
	host := req.Host
	if h, _, err := net.SplitHostPort(host); err == nil {
		host = h
	}
	return strings.EqualFold(u.Hostname(), host) || slices.ContainsFunc(origins, func(o string) bool { return strings.EqualFold(o, origin) })
}

var errFrame = errors.New("a WebSocket frame breaks RFC 6455")

// readFrame returns the next message; pings are answered on the way.
func (st *stream) readFrame() ([]byte, error) {
	var whole []byte
	var until time.Time // when what has begun must be whole
	wait := idleTimeout
	if !st.said {
		wait = firstMessage
	}
	for {
		begun := !until.IsZero()
		if !begun {
			_ = st.SetReadDeadline(time.Now().Add(wait))
		}
		op, fin, payload, err := st.rawFrame(len(whole), until)
		if err != nil {
			return nil, err
		}
		switch op {
		case wsPing:
			st.write.Lock()
			err = st.writeFrame(wsPong, payload)
			st.write.Unlock()
			if err != nil {
				return nil, err
			}
			continue
		case wsPong:
			continue
		case wsClose:
			return nil, st.closeFrame(1000)
		case wsText, wsBinary, wsContinuation:
			if (op == wsContinuation) != begun {
				return nil, st.closeFrame(1002)
			}
		default:
			return nil, st.closeFrame(1002)
		}
		whole = append(whole, payload...)
		if !begun {
			until = time.Now().Add(st.f.s.wholeMessage)
			_ = st.SetReadDeadline(until)
		}
		if !fin {
			continue
		}
		if len(strings.Trim(string(whole), "\r\n")) > 0 {
			return whole, nil
		}
		if string(whole) == "\r\n\r\n" { // RFC 7118 §6
			if _, err := st.Write(crlf); err != nil {
				return nil, err
			}
		}
		whole, until = nil, time.Time{}
	}
}

// rawFrame reads one frame; have is what its message has already, until when that
// must be whole.
func (st *stream) rawFrame(have int, until time.Time) (op byte, fin bool, payload []byte, err error) {
	var h [14]byte
	if err := st.full(h[:2]); err != nil {
		return 0, false, nil, err
	}
	op, fin = h[0]&15, h[0]&0x80 != 0
	n := uint64(h[1] & 0x7f)
	if h[0]&0x70 != 0 || h[1]&0x80 == 0 || op >= wsClose && (n > 125 || !fin) { // clients mask
		return 0, false, nil, st.closeFrame(1002)
	}
	switch n {
	case 126:
		err = st.full(h[2:4])
		n = uint64(binary.BigEndian.Uint16(h[2:4]))
	case 127:
		err = st.full(h[2:10])
		n = binary.BigEndian.Uint64(h[2:10])
	}
	if err != nil {
		return 0, false, nil, err
	}
	if n > uint64(maxHeaders+st.f.s.cfg.MaxBody-have) { //nolint:gosec // have is within it
		return 0, false, nil, st.closeFrame(1009)
	}
	if until.IsZero() {
		_ = st.SetReadDeadline(time.Now().Add(st.f.s.wholeMessage))
	}
	mask := h[10:14]
	if err := st.full(mask); err != nil {
		return 0, false, nil, err
	}
	payload = make([]byte, n)
	if err := st.full(payload); err != nil {
		return 0, false, nil, err
	}
	for i := range payload {
		payload[i] ^= mask[i&3]
	}
	return op, fin, payload, nil
}

// full fills b, first from what was read with the handshake.
func (st *stream) full(b []byte) error {
	n := copy(b, st.buf)
	st.buf = st.buf[n:]
	_, err := io.ReadFull(st.Conn, b[n:])
	return err
}

// closeFrame says why the connection ends.
func (st *stream) closeFrame(code uint16) error {
	st.write.Lock()
	defer st.write.Unlock()
	_ = st.writeFrame(wsClose, binary.BigEndian.AppendUint16(nil, code))
	if code == 1000 {
		return io.EOF
	}
	return errFrame
}

// writeFrame writes one frame; st.write is held.
func (st *stream) writeFrame(op byte, payload []byte) error {
	_ = st.SetWriteDeadline(time.Now().Add(writeTimeout))
	h := make([]byte, 0, 10+len(payload))
	h = append(h, 0x80|op)
	switch n := len(payload); {
	case n < 126:
		h = append(h, byte(n))
	case n <= 0xffff:
		h = binary.BigEndian.AppendUint16(append(h, 126), uint16(n)) //nolint:gosec // just looked at
	default:
		h = binary.BigEndian.AppendUint64(append(h, 127), uint64(n))
	}
	_, err := st.Conn.Write(append(h, payload...))
	return err
}
