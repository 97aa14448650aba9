package customers

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"
	"unicode/utf8"
)

// Limits of a look-up's answer.
const (
	maxAnswer     = 64 << 10 // octets
	maxAttributes = 40
	maxValue      = 300 // letters
	maxCached     = 10_000
)

// Config says where the look-up asks.
type Config struct {
	// URL is asked by GET for a JSON object; {number} stands for the customer's
	// number. "" switches it off.
	URL string `yaml:"url"`
	// Authorization is the header that goes with it; may be empty.
	Authorization string `yaml:"authorization"`
	// Timeout is how long an agent may be without an answer, Cache how long one
	// is used again.
	Timeout time.Duration `yaml:"timeout"`
	Cache   time.Duration `yaml:"cache"`
}

// DefaultConfig returns the defaults of callfloor.example.yaml.
func DefaultConfig() Config { return Config{Timeout: 3 * time.Second, Cache: time.Minute} }

// Validate names what is wrong, each with the key.
func (c Config) Validate() error {
	var errs []error
	if c.URL != "" {
		u, err := url.Parse(strings.ReplaceAll(c.URL, "{number}", "1"))
		switch {
		case err != nil || u.Host == "" || u.Scheme != "https" && u.Scheme != "http":
			errs = append(errs, fmt.Errorf("url: %q is no address; write one such as https://crm.example.org/people?number={number}", c.URL))
		case !strings.Contains(c.URL, "{number}"):
			errs = append(errs, fmt.Errorf("url: %q has no {number}, so every customer would be the same", c.URL))
		}
	}
	if c.Timeout < 100*time.Millisecond || c.Timeout > 10*time.Second {
		errs = append(errs, fmt.Errorf("timeout: %s; it is 100ms to 10s: an agent waits for it", c.Timeout))
	}
	if c.Cache < 0 || c.Cache > 24*time.Hour {
		errs = append(errs, fmt.Errorf("cache: %s; it is 0s to 24h", c.Cache))
	}
	return errors.Join(errs...)
}

// Attribute is one thing that another system knows about a customer.
type Attribute struct {
	Name  string `json:"name"`
	Value string `json:"value"`
}

// Fetch asks a server by GET and returns its JSON; it looks after where
// connections may lead.
type Fetch func(ctx context.Context, url, authorization string, limit int64) ([]byte, error)

// Lookup asks another system about customers. It is safe for concurrent use.
type Lookup struct {
	config Config
	fetch  Fetch

	mu     sync.Mutex
	cached map[string]answer
}

type answer struct {
	attributes []Attribute
	until      time.Time
}

// NewLookup returns a Lookup; one without a URL knows nothing.
func NewLookup(c Config, fetch Fetch) *Lookup {
	return &Lookup{config: c, fetch: fetch, cached: map[string]answer{}}
}

// Attributes returns what the other system says of a number, in its order; nil
// if there is none to ask, or the number is hidden. The error says what went
// wrong and holds no number.
func (l *Lookup) Attributes(ctx context.Context, number string) ([]Attribute, error) {
	if l.config.URL == "" || number == "" {
		return nil, nil
	}
	now := time.Now()
	l.mu.Lock()
	a, ok := l.cached[number]
	l.mu.Unlock()
	if ok && now.Before(a.until) {
		return a.attributes, nil
	}
	ctx, cancel := context.WithTimeout(ctx, l.config.Timeout)
	defer cancel()
	body, err := l.fetch(ctx, strings.ReplaceAll(l.config.URL, "{number}", url.QueryEscape(number)), l.config.Authorization, maxAnswer)
	if err != nil {
		return nil, fmt.Errorf("ask about the customer (customers.lookup): %w", err)
	}
	attributes, err := flat(body)
	if err != nil {
		return nil, fmt.Errorf("ask about the customer (customers.lookup): %w", err)
	}
	l.keep(number, answer{attributes, now.Add(l.config.Cache)}, now)
	return attributes, nil
}

// keep caches an answer; a full cache loses what is over, or else everything.
func (l *Lookup) keep(number string, a answer, now time.Time) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.cached) >= maxCached {
		for n, old := range l.cached {
			if !now.Before(old.until) {
				delete(l.cached, n)
			}
		}
		if len(l.cached) >= maxCached {
			clear(l.cached)
		}
	}
	l.cached[number] = a
}

// flat reads a JSON object as names and values, in its order. What is inside an
// object has its name before its own ("address city"); lists are joined.
func flat(body []byte) ([]Attribute, error) {
	d := json.NewDecoder(bytes.NewReader(body))
	d.UseNumber()
	if t, err := d.Token(); err != nil || t != json.Delim('{') {
		return nil, errors.New("the answer is no JSON object")
	}
	list, err := object(d, "", 0, nil)
	if err != nil {
		return nil, errors.New("the answer is no proper JSON")
	}
	return list, nil
}

// maxDepth bounds objects in objects.
const maxDepth = 8

func object(d *json.Decoder, before string, depth int, list []Attribute) ([]Attribute, error) {
	if depth > maxDepth {
		return nil, errors.New("too deep")
	}
	for d.More() {
		t, err := d.Token()
		if err != nil {
			return nil, err
		}
		name := strings.TrimSpace(before + " " + strings.ReplaceAll(fmt.Sprint(t), "_", " "))
		if t, err = d.Token(); err != nil {
			return nil, err
		}
		switch t {
		case json.Delim('{'):
			if list, err = object(d, name, depth+1, list); err != nil {
				return nil, err
			}
		case json.Delim('['):
			value, err := items(d, depth+1)
			if err != nil {
				return nil, err
			}
			list = add(list, name, value)
		default:
			list = add(list, name, plain(t))
		}
	}
	_, err := d.Token()
	return list, err
}

// items joins what is simple in a list.
func items(d *json.Decoder, depth int) (string, error) {
	if depth > maxDepth {
		return "", errors.New("too deep")
	}
	var all []string
	for d.More() {
		t, err := d.Token()
		if err != nil {
			return "", err
		}
		switch t {
		case json.Delim('{'):
			inner, err := object(d, "", depth+1, nil)
			if err != nil {
				return "", err
			}
			for _, a := range inner {
				all = append(all, a.Name+" "+a.Value)
			}
		case json.Delim('['):
			inner, err := items(d, depth+1)
			if err != nil {
				return "", err
			}
			all = append(all, inner)
		default:
			all = append(all, plain(t))
		}
	}
	_, err := d.Token()
	return strings.Join(slices.DeleteFunc(all, func(s string) bool { return s == "" }), ", "), err
}

func plain(t json.Token) string {
	if t == nil {
		return ""
	}
	return fmt.Sprint(t)
}

func add(list []Attribute, name, value string) []Attribute {
	value = strings.TrimSpace(value)
	if value == "" || len(list) >= maxAttributes {
		return list
	}
	return append(list, Attribute{Name: short(name), Value: short(value)})
}

func short(s string) string {
	if utf8.RuneCountInString(s) <= maxValue {
		return s
	}
	return string([]rune(s)[:maxValue]) + "…"
}
