//go:build linux

package main

import (
	"net/netip"
	"time"
)

// gateway is a peer of W6: it stands between a browser and a phone.
type gateway interface {
	// join takes the browser's offer and the phone's address, and returns its
	// answer for the browser and where the phone sends to.
	join(i int, offer string, phone netip.AddrPort) (answer string, to netip.AddrPort, err error)
	server() *process
}

// gateways are those that are installed.
func gateways() map[string]func(*bench) (gateway, error) {
	all := map[string]func(*bench) (gateway, error){}
	if rtpenginePath() != "" {
		all["rtpengine"] = func(b *bench) (gateway, error) { return startRTPEngine(b.dir) }
	}
	if janusPath() != "" {
		all["janus (NoSIP)"] = func(b *bench) (gateway, error) { return b.startJanus() }
	}
	return all
}

// gatewayed is one run of W6 of a peer: n calls between phones and browsers.
func (b *bench) gatewayed(name string, begin func(*bench) (gateway, error), n int) (_ row, err error) {
	defer named(&err, "W6", name, n)
	g, err := newGenerator()
	if err != nil {
		return row{}, err
	}
	defer g.close()
	peer, err := begin(b)
	if err != nil {
		return row{}, err
	}
	defer peer.server().stop()
	empty := peer.server().memory()
	for i := range n {
		one, err := newBrowser(g)
		if err != nil {
			return row{}, err
		}
		defer one.close()
		phone, err := g.phone()
		if err != nil {
			return row{}, err
		}
		offer, err := one.offer()
		if err != nil {
			return row{}, err
		}
		answer, to, err := peer.join(i, offer, phone.addr)
		if err != nil {
			return row{}, err
		}
		if err := one.accept(answer); err != nil {
			return row{}, err
		}
		g.add(one)
		phone.talk(to)
	}
	time.Sleep(b.settle)
	w, err := g.measure(peer.server(), b.window, nil)
	if err != nil {
		return row{}, err
	}
	r := w.row("W6", name, n)
	r.Figures["rss_kb_per_call"] = (peer.server().memory() - empty) / 1024 / float64(n)
	return r, nil
}
