package config

import (
	"callfloor/internal/spelling"
	"errors"
	"fmt"
	"os"
	"reflect"
	"slices"
	"strings"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/parser"
)

// EnvPrefix begins the variables that set something: CALLFLOOR_SIP_LISTEN is
// sip.listen.
const EnvPrefix = "CALLFLOOR_"

// ownVariables begin with EnvPrefix too but belong to the command line.
var ownVariables = [...]string{"CALLFLOOR_CONFIG", "CALLFLOOR_SERVER", "CALLFLOOR_TOKEN", "CALLFLOOR_PLAIN_MEDIA"}

// maxFile bounds the file; a real one has a few kilobytes.
const maxFile = 1 << 20

// Flag is one setting from the command line.
type Flag struct {
	Name  string // "--sip"
	Key   string // "sip.listen"
	Value string
}

// Source is where a configuration comes from.
type Source struct {
	File  string   // a YAML file; "" for none
	Env   []string // as os.Environ returns it
	Flags []Flag
	Demo  bool
}

// Load reads, joins and validates. The error is a *ProblemsError with all that
// is wrong, a *NotLoopbackError, or one of reading the file.
func Load(s Source) (Config, error) {
	l := loader{source: s, origin: map[string]string{}}
	l.cfg = Default()
	if s.Demo {
		l.cfg = demoDefaults()
	}
	if s.File != "" {
		body, err := readFile(s.File)
		if err != nil {
			return Config{}, err
		}
		l.file(s.File, body)
	}
	l.environment()
	for _, f := range s.Flags {
		l.set(f.Name, f.Key, f.Value)
	}
	if s.Demo {
		l.noteReplaced()
		l.cfg.addDemo()
		if err := l.cfg.demoRefusal(l.where); err != nil && len(l.problems) == 0 {
			return Config{}, err
		}
	}
	if len(l.problems) == 0 {
		l.validate()
	}
	if len(l.problems) > 0 {
		return Config{}, &ProblemsError{Problems: l.problems}
	}
	return l.cfg, nil
}

func readFile(path string) ([]byte, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, fmt.Errorf("read the configuration: %w", err)
	}
	if info.Size() > maxFile {
		return nil, fmt.Errorf("read the configuration: %s has %d octets; a configuration has at most %d", path, info.Size(), maxFile)
	}
	body, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("read the configuration: %w", err)
	}
	return body, nil
}

// loader collects a configuration, where each setting came from, and what is
// wrong.
type loader struct {
	source   Source
	cfg      Config
	origin   map[string]string // key -> FILE:LINE:COL, flag or variable
	problems []Problem
}

func (l *loader) problem(where, key, format string, args ...any) {
	l.problems = append(l.problems, Problem{Where: where, Key: key, Message: fmt.Sprintf(format, args...)})
}

// where says where key was set: itself or the nearest part above it.
func (l *loader) where(key string) string {
	for k := key; ; {
		if w, ok := l.origin[k]; ok {
			return w
		}
		i := strings.LastIndexAny(k, ".[")
		if i < 0 {
			break
		}
		k = k[:i]
	}
	return "the defaults"
}

// file decodes a YAML file over what is there.
func (l *loader) file(name string, body []byte) {
	f, err := parser.ParseBytes(body, 0)
	if err != nil {
		l.syntax(name, err)
		return
	}
	d := decoder{name: name, loader: l}
	seen := false
	for _, doc := range f.Docs {
		if doc.Body == nil {
			continue
		}
		if _, ok := doc.Body.(*ast.CommentGroupNode); ok {
			continue
		}
		if seen {
			l.problem(d.at(doc.Body), "", "a second YAML document begins here; put everything into one and take out the ---")
			return
		}
		seen = true
		d.decode(doc.Body, reflect.ValueOf(&l.cfg).Elem(), "")
	}
}

func (l *loader) syntax(name string, err error) {
	var y yaml.Error
	if !errors.As(err, &y) || y.GetToken() == nil {
		l.problem(name, "", "it is not YAML: %s", firstLine(err.Error()))
		return
	}
	p := y.GetToken().Position
	l.problem(fmt.Sprintf("%s:%d:%d", name, p.Line, p.Column), "", "it is not YAML: %s", firstLine(y.GetMessage()))
}

func firstLine(s string) string {
	line, _, _ := strings.Cut(s, "\n")
	return line
}

// environment sets what the CALLFLOOR_ variables say. One that is no setting is
// somebody else's (an orchestrator makes CALLFLOOR_SERVICE_HOST and the like),
// unless it is so near one that it must be mistyped.
func (l *loader) environment() {
	keys := settable()
	byVariable := map[string]string{}
	names := make([]string, 0, len(keys))
	for _, k := range keys {
		v := Variable(k)
		byVariable[v] = k
		names = append(names, strings.TrimPrefix(v, EnvPrefix))
	}
	for _, entry := range l.source.Env {
		name, value, _ := strings.Cut(entry, "=")
		if !strings.HasPrefix(name, EnvPrefix) || slices.Contains(ownVariables[:], name) {
			continue
		}
		key, ok := byVariable[name]
		if !ok {
			if near := spelling.Nearest(strings.TrimPrefix(name, EnvPrefix), names); near != "" {
				l.problem(name, "", "no setting has this variable; did you mean %s%s?", EnvPrefix, near)
			}
			continue
		}
		l.set(name, key, value)
	}
}

// Variable returns the environment variable that sets key.
func Variable(key string) string {
	return EnvPrefix + strings.ToUpper(strings.ReplaceAll(key, ".", "_"))
}

// set sets one scalar (or a list of words, separated by commas).
func (l *loader) set(where, key, value string) {
	v := reflect.ValueOf(&l.cfg).Elem()
	for part := range strings.SplitSeq(key, ".") {
		f, ok := fieldByKey(v, part)
		if !ok {
			l.problem(where, key, "there is no such setting%s", didYouMean(key, settable()))
			return
		}
		v = f
	}
	if err := setText(v, value); err != nil {
		l.problem(where, key, "%v", err)
		return
	}
	l.origin[key] = where
}

// settable lists the keys that one line of text can set.
func settable() []string {
	var keys []string
	var walk func(t reflect.Type, prefix string)
	walk = func(t reflect.Type, prefix string) {
		for i := range t.NumField() {
			key, ok := yamlKey(t.Field(i))
			if !ok {
				continue
			}
			ft := t.Field(i).Type
			switch {
			case ft.Kind() == reflect.Struct && !isText(ft):
				walk(ft, prefix+key+".")
			case ft.Kind() == reflect.Slice && ft.Elem().Kind() == reflect.Struct && !isText(ft.Elem()):
			default:
				keys = append(keys, prefix+key)
			}
		}
	}
	walk(reflect.TypeFor[Config](), "")
	return keys
}
