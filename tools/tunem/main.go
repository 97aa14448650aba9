// tunem: a user-space netem. It joins two network namespaces with two TUN
// devices and delays, drops, duplicates and reorders the IP packets between
// them. Usage: tunem -a NS1 -b NS2 -loss 0.1 -delay 60ms -jitter 60ms -dup 0 -reorder 0.02
//
// SIGUSR1 cuts the line (everything is lost), SIGUSR2 mends it.
//
// Origin: the material for testing that this project was given; own work, no
// third party's. Changed here: the line can be cut. A module of its own, since
// it needs Linux on amd64 and root, and the product does not need it.
package main

import (
	"container/heap"
	"flag"
	"fmt"
	"math/rand"
	"os"
	"os/exec"
	"os/signal"
	"runtime"
	"sync"
	"sync/atomic"
	"syscall"
	"time"
	"unsafe"
)

type pkt struct {
	at time.Time
	b  []byte
}
type pq []pkt

func (p pq) Len() int           { return len(p) }
func (p pq) Less(i, j int) bool { return p[i].at.Before(p[j].at) }
func (p pq) Swap(i, j int)      { p[i], p[j] = p[j], p[i] }
func (p *pq) Push(x any)        { *p = append(*p, x.(pkt)) }
func (p *pq) Pop() any          { o := *p; x := o[len(o)-1]; *p = o[:len(o)-1]; return x }

func tun(ns, name, addr string) *os.File {
	runtime.LockOSThread() // stays locked: this thread lives in ns
	if ns != "" {
		f, err := os.Open("/var/run/netns/" + ns)
		if err != nil {
			panic(err)
		}
		if _, _, e := syscall.RawSyscall(308, f.Fd(), syscall.CLONE_NEWNET, 0); e != 0 {
			panic(e)
		}
	}
	fd, err := syscall.Open("/dev/net/tun", syscall.O_RDWR, 0)
	if err != nil {
		panic(err)
	}
	var ifr [40]byte
	copy(ifr[:15], name)
	*(*uint16)(unsafe.Pointer(&ifr[16])) = 0x1001 // IFF_TUN|IFF_NO_PI
	if _, _, e := syscall.Syscall(syscall.SYS_IOCTL, uintptr(fd), 0x400454ca, uintptr(unsafe.Pointer(&ifr[0]))); e != 0 {
		panic(e)
	}
	for _, a := range [][]string{{"addr", "add", addr, "dev", name}, {"link", "set", name, "up"}, {"link", "set", "lo", "up"}} {
		if out, err := exec.Command("ip", a...).CombinedOutput(); err != nil {
			fmt.Fprintln(os.Stderr, a, string(out))
		}
	}
	return os.NewFile(uintptr(fd), name)
}

var loss, dup, reord = flag.Float64("loss", 0, "share"), flag.Float64("dup", 0, "share"), flag.Float64("reorder", 0, "share sent with no delay")
var delay, jitter = flag.Duration("delay", 0, ""), flag.Duration("jitter", 0, "uniform +-")
var burst = flag.Float64("burst", 0, "Gilbert: chance that a loss is followed by a loss (0 = independent)")
var seen, lost, dups [2]atomic.Int64
var cut atomic.Bool

func pipe(i int, in, out *os.File, seed int64) {
	r := rand.New(rand.NewSource(seed))
	var q pq
	var mu sync.Mutex
	wake := make(chan struct{}, 1)
	go func() {
		for {
			mu.Lock()
			var d time.Duration = time.Hour
			for len(q) > 0 {
				if d = time.Until(q[0].at); d > 0 {
					break
				}
				p := heap.Pop(&q).(pkt)
				mu.Unlock()
				out.Write(p.b)
				mu.Lock()
				d = time.Hour
			}
			mu.Unlock()
			select {
			case <-wake:
			case <-time.After(d):
			}
		}
	}()
	bad := false
	for {
		b := make([]byte, 2048)
		n, err := in.Read(b)
		if err != nil {
			return
		}
		seen[i].Add(1)
		if *burst > 0 {
			if bad {
				bad = r.Float64() < *burst
			} else {
				bad = r.Float64() < *loss*(1-*burst)/(1-*loss)
			}
		} else {
			bad = r.Float64() < *loss
		}
		if bad || cut.Load() {
			lost[i].Add(1)
			continue
		}
		k := 1
		if r.Float64() < *dup {
			k = 2
			dups[i].Add(1)
		}
		for ; k > 0; k-- {
			d := *delay
			if *jitter > 0 {
				d += time.Duration(r.Int63n(int64(2**jitter))) - *jitter
			}
			if d < 0 || r.Float64() < *reord {
				d = 0
			}
			mu.Lock()
			heap.Push(&q, pkt{time.Now().Add(d), b[:n]})
			mu.Unlock()
			select {
			case wake <- struct{}{}:
			default:
			}
		}
	}
}

func main() {
	a, b := flag.String("a", "", "netns"), flag.String("b", "", "netns")
	aa, ba := flag.String("aaddr", "10.98.0.1/24", ""), flag.String("baddr", "10.98.0.2/24", "")
	seed := flag.Int64("seed", 1, "")
	flag.Parse()
	ch := make(chan *os.File, 2)
	for _, x := range [][2]string{{*a, *aa}, {*b, *ba}} {
		x := x
		go func() { ch <- tun(x[0], "tem0", x[1]); select {} }()
		f := <-ch
		ch <- f
		if x[0] == *a {
			fa = <-ch
		} else {
			fb = <-ch
		}
	}
	go pipe(0, fa, fb, *seed)
	go pipe(1, fb, fa, *seed+1)
	s := make(chan os.Signal, 1)
	signal.Notify(s, syscall.SIGTERM, syscall.SIGINT)
	line := make(chan os.Signal, 1)
	signal.Notify(line, syscall.SIGUSR1, syscall.SIGUSR2)
	go func() {
		for sig := range line {
			cut.Store(sig == syscall.SIGUSR1)
		}
	}()
	fmt.Println("ready")
	<-s
	for i := range seen {
		fmt.Printf("dir%d seen=%d lost=%d dup=%d\n", i, seen[i].Load(), lost[i].Load(), dups[i].Load())
	}
}

var fa, fb *os.File
