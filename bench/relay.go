//go:build linux

package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"net/netip"
	"os"

	"callfloor/media"
	"callfloor/media/codec"
)

// pair is a call of W3: what the two phones listen on, or where they send to.
type pair [2]netip.AddrPort

// relay is the server of W3, a process of its own: it reads the phones'
// addresses, bridges them and writes its own; it ends with its input.
func relay() error {
	var phones []pair
	in := bufio.NewReader(os.Stdin)
	line, err := in.ReadBytes('\n')
	if err != nil {
		return err
	}
	if err := json.Unmarshal(line, &phones); err != nil {
		return err
	}
	var engine *media.Engine
	if os.Getenv("CALLFLOOR_PLAIN_MEDIA") == "" {
		engine = media.NewEngine(nil)
		defer engine.Close()
	}
	pacer := media.NewPacer()
	defer pacer.Close()
	ports, err := media.NewPorts(10000, 31999)
	if err != nil {
		return err
	}
	ip := netip.AddrFrom4([4]byte{127, 0, 0, 1})
	ours := make([]pair, len(phones))
	for i, p := range phones {
		var legs [2]*media.Session
		for side := range legs {
			s, err := media.OpenSession(media.SessionConfig{IP: ip, Ports: ports, Pacer: pacer, Engine: engine})
			if err != nil {
				return err
			}
			defer s.Close()
			s.SetRemote(media.Remote{Addr: p[side], Codec: codec.PCMU, Events: 101, Sends: true, Receives: true})
			legs[side] = s
			ours[i][side] = netip.AddrPortFrom(ip, uint16(s.LocalPort()))
		}
		legs[0].Sender().Hear(legs[1].Source())
		legs[1].Sender().Hear(legs[0].Source())
	}
	if err := json.NewEncoder(os.Stdout).Encode(ours); err != nil {
		return err
	}
	_, err = io.Copy(io.Discard, in)
	if err != nil {
		return fmt.Errorf("waiting for the end: %w", err)
	}
	return nil
}
