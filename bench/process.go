//go:build linux

package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// serverCore and generatorCore keep the two apart where there are two cores.
const (
	serverCore    = "0"
	generatorCore = "1"
)

// process is a server that is measured.
type process struct {
	cmd  *exec.Cmd
	in   io.WriteCloser
	out  *bytes.Buffer
	done chan struct{}
}

// start runs a command on the server's core. stdout, if not nil, takes its
// output; otherwise that is kept for errors.
func start(stdout io.Writer, env []string, name string, args ...string) (*process, error) {
	if runtime.GOOS == "linux" && cores > 1 {
		args = append([]string{"-c", serverCore, name}, args...)
		name = "taskset"
	}
	p := &process{cmd: exec.Command(name, args...), out: &bytes.Buffer{}, done: make(chan struct{})}
	p.cmd.Env = append(os.Environ(), env...)
	p.cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL} // a server must not outlive its measurement
	p.cmd.Stdout, p.cmd.Stderr = p.out, p.out
	if stdout != nil {
		p.cmd.Stdout = stdout
	}
	var err error
	if p.in, err = p.cmd.StdinPipe(); err != nil {
		return nil, err
	}
	if err := p.cmd.Start(); err != nil {
		return nil, fmt.Errorf("start %s: %w", name, err)
	}
	go func() { _ = p.cmd.Wait(); close(p.done) }()
	return p, nil
}

// stop ends the process, whose calls need not end first; one that does not want
// to is killed.
func (p *process) stop() {
	_ = p.in.Close()
	for _, s := range []struct {
		signal syscall.Signal
		wait   time.Duration
	}{{syscall.SIGTERM, 300 * time.Millisecond}, {syscall.SIGTERM, 5 * time.Second}, {syscall.SIGKILL, 5 * time.Second}} {
		_ = p.cmd.Process.Signal(s.signal)
		select {
		case <-p.done:
			return
		case <-time.After(s.wait):
		}
	}
	<-p.done
}

// cpu returns what all threads of the process and of its children have run,
// exactly. A thread that ended takes its share with it; servers keep theirs.
func (p *process) cpu() (sum time.Duration, err error) {
	for _, pid := range family(p.cmd.Process.Pid) {
		files, _ := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/schedstat", pid))
		for _, f := range files {
			b, err := os.ReadFile(f)
			if err != nil {
				continue
			}
			ns, _, _ := strings.Cut(string(b), " ")
			n, err := strconv.ParseInt(ns, 10, 64)
			if err != nil {
				return 0, fmt.Errorf("%s: %w", f, err)
			}
			sum += time.Duration(n)
		}
	}
	if sum == 0 {
		return 0, errors.New("the server has ended")
	}
	return sum, nil
}

// family is a process with all that came of it.
func family(pid int) []int {
	all := []int{pid}
	for i := 0; i < len(all); i++ {
		files, _ := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/children", all[i]))
		for _, f := range files {
			b, _ := os.ReadFile(f)
			for _, child := range strings.Fields(string(b)) {
				if n, err := strconv.Atoi(child); err == nil {
					all = append(all, n)
				}
			}
		}
	}
	return all
}

// memory returns the resident memory in octets.
func (p *process) memory() float64 {
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/statm", p.cmd.Process.Pid))
	if err != nil {
		return 0
	}
	f := strings.Fields(string(b))
	if len(f) < 2 {
		return 0
	}
	pages, _ := strconv.ParseFloat(f[1], 64)
	return pages * float64(os.Getpagesize())
}

// stretch stops the process for a while, as a busy host does.
func (p *process) stretch(d time.Duration) {
	_ = p.cmd.Process.Signal(syscall.SIGSTOP)
	time.Sleep(d)
	_ = p.cmd.Process.Signal(syscall.SIGCONT)
}
