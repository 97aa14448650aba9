//go:build linux

package main

import (
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"time"
)

// kamailioConfig is a registrar with its users in memory, and a proxy of calls
// that keeps transactions and routes (tm, rr): what W5 and W1 are compared with.
const kamailioConfig = `#!KAMAILIO
debug=0
log_stderror=yes
fork=yes
children=1
disable_tcp=yes
auto_aliases=no
listen=udp:%[1]s
mpath=%[2]q
loadmodule "tm.so"
loadmodule "sl.so"
loadmodule "rr.so"
loadmodule "pv.so"
loadmodule "siputils.so"
loadmodule "textops.so"
loadmodule "usrloc.so"
loadmodule "registrar.so"
loadmodule "auth.so"
modparam("usrloc", "db_mode", 0)
request_route {
	if (is_method("REGISTER")) {
		if (!pv_www_authenticate("$fd", "%[4]s", "0")) {
			www_challenge("$fd", "0");
			exit;
		}
		save("location");
		exit;
	}
	if (has_totag()) {
		if (loose_route()) t_relay();
		exit;
	}
	record_route();
	$du = "sip:%[3]s";
	t_relay();
}
`

// kamailioModules is where Debian puts them, or "" where there is no Kamailio.
func kamailioModules() string {
	if _, err := exec.LookPath("kamailio"); err != nil {
		return ""
	}
	found, _ := filepath.Glob("/usr/lib/*/kamailio/modules")
	if len(found) == 0 {
		return ""
	}
	return found[0] + "/"
}

// startKamailio returns it with its address; what is no REGISTER it sends on to
// next.
func (b *bench) startKamailio(next string) (*process, string, error) {
	port, err := freePort()
	if err != nil {
		return nil, "", err
	}
	at := fmt.Sprintf("127.0.0.1:%d", port)
	file := filepath.Join(b.dir, "kamailio.cfg")
	if err := os.WriteFile(file, fmt.Appendf(nil, kamailioConfig, at, kamailioModules(), next, phonePassword), 0o600); err != nil {
		return nil, "", err
	}
	p, err := start(nil, nil, "kamailio", "-f", file, "-DD", "-E", "-m", "128", "-w", b.dir, "-Y", b.dir, "-P", filepath.Join(b.dir, "kamailio.pid"))
	if err != nil {
		return nil, "", err
	}
	if err := answers(at); err != nil {
		p.stop()
		return nil, "", fmt.Errorf("kamailio: %w\n%s", err, p.out)
	}
	return p, at, nil
}

// answers waits until a server answers a SIP request.
func answers(at string) error {
	c, err := net.Dial("udp", at)
	if err != nil {
		return err
	}
	defer func() { _ = c.Close() }()
	local := c.LocalAddr()
	b := make([]byte, 4096)
	for i := range 100 {
		_, _ = fmt.Fprintf(c, "REGISTER sip:127.0.0.1 SIP/2.0\r\nVia: SIP/2.0/UDP %[1]s;branch=z9hG4bKready%[2]d\r\nMax-Forwards: 70\r\n"+
			"From: <sip:nobody@127.0.0.1>;tag=1\r\nTo: <sip:nobody@127.0.0.1>\r\nCall-ID: ready%[2]d\r\nCSeq: 1 REGISTER\r\nContact: <sip:nobody@%[1]s>\r\nContent-Length: 0\r\n\r\n", local, i)
		_ = c.SetReadDeadline(time.Now().Add(100 * time.Millisecond))
		if _, err = c.Read(b); err == nil {
			return nil
		}
		time.Sleep(50 * time.Millisecond) // the port is not open yet
	}
	return fmt.Errorf("no answer at %s: %w", at, err)
}

// proxied is W1 through Kamailio, to phones of sipp's that answer.
func (b *bench) proxied(rate int) (_ row, err error) {
	defer named(&err, "W1", "kamailio", 0)
	port, err := freePort()
	if err != nil {
		return row{}, err
	}
	file, err := b.scenario("answer.xml")
	if err != nil {
		return row{}, err
	}
	phones := exec.Command("sipp", "-sf", file, "-i", "127.0.0.1", "-p", strconv.Itoa(port), "-nostdin", "-l", "5000")
	if err := phones.Start(); err != nil {
		return row{}, err
	}
	defer func() { _ = phones.Process.Kill(); _ = phones.Wait() }()
	p, at, err := b.startKamailio(fmt.Sprintf("127.0.0.1:%d", port))
	if err != nil {
		return row{}, err
	}
	defer p.stop()
	return b.sipp("W1", paced("kamailio, a proxy", rate), p, at, "invite.xml", rate, b.many(rate), "-s", lineShort)
}

// kamailioRegisters is W5 of Kamailio.
func (b *bench) kamailioRegisters(rate int) (row, error) {
	p, at, err := b.startKamailio("127.0.0.1:9")
	if err != nil {
		return row{}, err
	}
	defer p.stop()
	csv, err := b.usersFile()
	if err != nil {
		return row{}, err
	}
	return b.sipp("W5", paced("kamailio", rate), p, at, "register.xml", rate, b.many(rate), "-inf", csv)
}
