//go:build linux

package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"
)

// janus is Debian's, with the NoSIP plugin: plain RTP on one side, a browser on
// the other.
type janus struct {
	*process
	url   string
	count int
}

func (j *janus) server() *process { return j.process }

// janusPath is where it is, or "". It takes no browser at a loopback address,
// so there must be another.
func janusPath() string {
	p, err := exec.LookPath("janus")
	if err != nil || outerAddr() == "" {
		return ""
	}
	return p
}

// outerAddr is an IPv4 address of this machine that is not loopback's, or "".
// Packets to it do not leave the machine.
func outerAddr() string {
	addrs, _ := net.InterfaceAddrs()
	for _, a := range addrs {
		if n, ok := a.(*net.IPNet); ok && n.IP.To4() != nil && !n.IP.IsLoopback() {
			return n.IP.String()
		}
	}
	return ""
}

func (b *bench) startJanus() (*janus, error) {
	port, err := freePort()
	if err != nil {
		return nil, err
	}
	dir := filepath.Join(b.dir, "janus")
	lib, err := filepath.Glob("/usr/lib/*/janus")
	if err != nil || len(lib) == 0 {
		return nil, errors.New("janus: no plugins under /usr/lib/*/janus")
	}
	for name, text := range map[string]string{
		"janus.jcfg": fmt.Sprintf("general: {\n configs_folder = %[1]q\n plugins_folder = \"%[2]s/plugins\"\n transports_folder = \"%[2]s/transports\"\n debug_level = 2\n"+
			" session_timeout = 0\n interface = %[3]q\n}\nnat: {\n ice_enforce_list = %[3]q\n}\nplugins: {\n disable = %[4]q\n}\ntransports: {\n disable = %[5]q\n}\n",
			dir, lib[0], outerAddr(), others(lib[0]+"/plugins", "nosip"), others(lib[0]+"/transports", "http")),
		"janus.transport.http.jcfg": fmt.Sprintf("general: {\n json = \"compact\"\n base_path = \"/janus\"\n http = true\n port = %d\n ip = \"127.0.0.1\"\n https = false\n}\nadmin: {\n admin_http = false\n}\n", port),
		"janus.plugin.nosip.jcfg":   "general: {\n local_ip = \"127.0.0.1\"\n rtp_port_range = \"40000-45998\"\n}\n",
	} {
		if err := errors.Join(os.MkdirAll(dir, 0o700), os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600)); err != nil {
			return nil, err
		}
	}
	p, err := start(nil, nil, janusPath(), "-F", dir)
	if err != nil {
		return nil, err
	}
	j := &janus{process: p, url: fmt.Sprintf("http://127.0.0.1:%d/janus", port)}
	for range 100 {
		if _, err = j.post(j.url, map[string]any{"janus": "ping"}); err == nil {
			return j, nil
		}
		time.Sleep(50 * time.Millisecond)
	}
	p.stop()
	return nil, fmt.Errorf("janus does not answer: %w\n%s", err, p.out)
}

// others lists the libraries of a folder but for one, to be left out.
func others(dir, but string) string {
	files, _ := filepath.Glob(dir + "/*.so")
	var all []string
	for _, f := range files {
		if !strings.Contains(f, but) {
			all = append(all, filepath.Base(f))
		}
	}
	return strings.Join(all, ",")
}

// reply is what we read of Janus's answers and events.
type reply struct {
	Janus string `json:"janus"`
	Data  struct {
		ID uint64 `json:"id"`
	} `json:"data"`
	Error *struct {
		Reason string `json:"reason"`
	} `json:"error"`
	Plugin struct {
		Data struct {
			Error  string `json:"error"`
			Result struct {
				Event string `json:"event"`
				SDP   string `json:"sdp"`
			} `json:"result"`
		} `json:"data"`
	} `json:"plugindata"`
	JSEP struct {
		SDP string `json:"sdp"`
	} `json:"jsep"`
}

func (j *janus) post(url string, in map[string]any) (reply, error) {
	j.count++
	in["transaction"] = fmt.Sprint(j.count)
	body, err := json.Marshal(in)
	if err != nil {
		return reply{}, err
	}
	return read(http.Post(url, "application/json", bytes.NewReader(body)))
}

func read(resp *http.Response, err error) (reply, error) {
	if err != nil {
		return reply{}, err
	}
	defer func() { _ = resp.Body.Close() }()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		return reply{}, err
	}
	var r reply
	if err := json.Unmarshal(text, &r); err != nil {
		return r, fmt.Errorf("janus: %w: %s", err, text)
	}
	if r.Error != nil || r.Plugin.Data.Error != "" {
		return r, fmt.Errorf("janus: %s", text)
	}
	return r, nil
}

// event waits for what the plugin says.
func (j *janus) event(session, want string) (reply, error) {
	for range 10 {
		r, err := read(http.Get(session + "?maxev=1"))
		if err != nil || r.Plugin.Data.Result.Event == want {
			return r, err
		}
	}
	return reply{}, fmt.Errorf("janus: no event %q", want)
}

func (j *janus) join(_ int, offer string, phone netip.AddrPort) (string, netip.AddrPort, error) {
	none := netip.AddrPort{}
	r, err := j.post(j.url, map[string]any{"janus": "create"})
	if err != nil {
		return "", none, err
	}
	session := fmt.Sprintf("%s/%d", j.url, r.Data.ID)
	if r, err = j.post(session, map[string]any{"janus": "attach", "plugin": "janus.plugin.nosip"}); err != nil {
		return "", none, err
	}
	handle := fmt.Sprintf("%s/%d", session, r.Data.ID)
	_, err = j.post(handle, map[string]any{"janus": "message", "body": map[string]any{"request": "generate"}, "jsep": map[string]any{"type": "offer", "sdp": offer}})
	if err != nil {
		return "", none, err
	}
	if r, err = j.event(session, "generated"); err != nil {
		return "", none, err
	}
	to, err := portOf(r.Plugin.Data.Result.SDP)
	if err != nil {
		return "", none, err
	}
	_, err = j.post(handle, map[string]any{"janus": "message", "body": map[string]any{"request": "process", "type": "answer", "sdp": sdpOf(phone)}})
	if err != nil {
		return "", none, err
	}
	r, err = j.event(session, "processed")
	return r.JSEP.SDP, to, err
}
