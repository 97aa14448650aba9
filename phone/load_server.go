package phone

import (
	"bufio"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"
)

// ServerFigures are what a load cost the server, by its /metrics. They are of
// the seconds in which nearly as many calls were up as ever.
type ServerFigures struct {
	// Calls is the mean of the calls that were up in those seconds, Seconds how
	// many they were.
	Calls   float64 `json:"calls"`
	Seconds float64 `json:"seconds"`
	// CPUPercent is of one core. It is for the calls that were up then, and
	// CPUPercentPer100 for a hundred.
	CPUPercent       float64 `json:"cpu_percent"`
	CPUPercentPer100 float64 `json:"cpu_percent_per_100_calls"`
	// CPUSeconds is of the whole load, set-up and end of calls too.
	CPUSeconds float64 `json:"cpu_seconds"`
	// MemoryMB is the resident memory at its most, MemoryMBPer100 by how much
	// it grew for each hundred calls.
	MemoryMB       float64 `json:"memory_mb"`
	MemoryMBPer100 float64 `json:"memory_mb_per_100_calls"`
}

// watch looks at a server's /metrics once a second.
type watch struct {
	url, token string
	client     *http.Client

	mu      sync.Mutex
	samples []sample
	err     error // of the last look
}

type sample struct {
	at     time.Time
	active int
	cpu    float64 // seconds
	memory float64 // octets
}

func newWatch(server, token string, check *tls.Config) *watch {
	return &watch{
		url: strings.TrimSuffix(server, "/") + "/metrics", token: token,
		client: &http.Client{Timeout: 2 * time.Second, Transport: &http.Transport{TLSClientConfig: check}},
	}
}

// look takes a sample. The nil watch takes none.
func (w *watch) look(ctx context.Context, active int) {
	if w == nil {
		return
	}
	s := sample{at: time.Now(), active: active}
	err := w.read(ctx, &s)
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.err = err; err == nil {
		w.samples = append(w.samples, s)
	}
}

func (w *watch) read(ctx context.Context, s *sample) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, w.url, nil)
	if err != nil {
		return fmt.Errorf("reading the server's metrics: %w", err)
	}
	if w.token != "" {
		req.Header.Set("Authorization", "Bearer "+w.token)
	}
	res, err := w.client.Do(req)
	if err != nil {
		return fmt.Errorf("reading the server's metrics: %w", err)
	}
	defer func() { _ = res.Body.Close() }()
	if res.StatusCode != http.StatusOK {
		return fmt.Errorf("reading the server's metrics: %s answered %s", w.url, res.Status)
	}
	return s.parse(io.LimitReader(res.Body, 8<<20))
}

// parse reads what it needs of the Prometheus text format.
func (s *sample) parse(r io.Reader) error {
	found := 0
	for lines := bufio.NewScanner(r); lines.Scan(); {
		name, value, _ := strings.Cut(lines.Text(), " ")
		to := map[string]*float64{"process_cpu_seconds_total": &s.cpu, "process_resident_memory_bytes": &s.memory}[name]
		if to == nil {
			continue
		}
		v, err := strconv.ParseFloat(value, 64)
		if err != nil {
			return fmt.Errorf("the server's metrics: %s is %q, not a number", name, value)
		}
		*to = v
		found++
	}
	if found != 2 {
		return errors.New("the server's metrics say nothing about its CPU and memory")
	}
	return nil
}

// figures adds up; nil without an error if nobody looked.
func (w *watch) figures() (*ServerFigures, error) {
	if w == nil {
		return nil, nil
	}
	w.client.CloseIdleConnections()
	w.mu.Lock()
	defer w.mu.Unlock()
	peak := 0
	for _, s := range w.samples {
		peak = max(peak, s.active)
	}
	if w.err != nil && len(w.samples) == 0 {
		return nil, w.err
	}
	if peak == 0 || len(w.samples) < 2 {
		return nil, errors.New("the load was too short to see what it cost the server")
	}
	first, last := w.samples[0], w.samples[len(w.samples)-1]
	f := &ServerFigures{CPUSeconds: last.cpu - first.cpu}
	from, to, calls := w.steady(peak)
	if from < to {
		a, b := w.samples[from], w.samples[to]
		f.Seconds, f.Calls = b.at.Sub(a.at).Seconds(), calls
		f.CPUPercent = 100 * (b.cpu - a.cpu) / f.Seconds
		f.CPUPercentPer100 = 100 * f.CPUPercent / calls
	}
	for _, s := range w.samples {
		f.MemoryMB = max(f.MemoryMB, s.memory/1e6)
	}
	f.MemoryMBPer100 = 100 * (f.MemoryMB - first.memory/1e6) / float64(peak)
	return f, nil
}

// steady finds the longest run of samples with nine tenths of the peak or more.
func (w *watch) steady(peak int) (from, to int, calls float64) {
	for i := 0; i < len(w.samples); i++ {
		sum, j := 0, i
		for ; j < len(w.samples) && 10*w.samples[j].active >= 9*peak; j++ {
			sum += w.samples[j].active
		}
		if j-1-i > to-from {
			from, to, calls = i, j-1, float64(sum)/float64(j-i)
		}
		i = max(i, j-1)
	}
	return from, to, calls
}
