package app

import (
	"encoding/json"
	"maps"
	"net/http"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/goccy/go-yaml"
	"github.com/prometheus/client_golang/prometheus"
)

// described is a registry that remembers what it was given to register.
type described struct {
	*prometheus.Registry
	labels map[string][]string // of each metric
}

var ofDesc = regexp.MustCompile(`fqName: "([^"]+)".*variableLabels: \{([^}]*)\}`)

func (d described) Register(c prometheus.Collector) error {
	descs := make(chan *prometheus.Desc)
	go func() { defer close(descs); c.Describe(descs) }()
	for one := range descs {
		if m := ofDesc.FindStringSubmatch(one.String()); m != nil {
			d.labels[m[1]] = strings.FieldsFunc(m[2], func(r rune) bool { return r == ',' || r == ' ' })
		}
	}
	return d.Registry.Register(c)
}

func (d described) MustRegister(cs ...prometheus.Collector) {
	for _, c := range cs {
		if err := d.Register(c); err != nil {
			panic(err)
		}
	}
}

// exported are the figures of the whole product with their labels.
func exported(t *testing.T) map[string][]string {
	t.Helper()
	d := described{prometheus.NewRegistry(), map[string][]string{}}
	startWith(t, t.TempDir(), Options{Version: "test", Pages: http.NotFoundHandler(), Metrics: d}) // the demo's trunk is there
	d.labels["up"] = nil                                                                           // Prometheus' own, of each server that it asks
	return d.labels
}

var (
	figureName = regexp.MustCompile(`\b(callfloor_\w+|process_\w+|go_\w+|up)\b(?:\{([^}]*)\})?`)
	matcher    = regexp.MustCompile(`(\w+)\s*(?:=~|!~|!=|=)\s*"`)
	grouping   = regexp.MustCompile(`\bby \(([^)]*)\)`)
	legendName = regexp.MustCompile(`\{\{\s*(?:\$labels\.)?(\w+)[^}]*\}\}`)
	others     = []string{"instance", "job"} // that Prometheus adds
)

// checkExpression holds an expression, and the words that say its labels,
// against what is exported.
func checkExpression(t *testing.T, place string, have map[string][]string, expr string, texts ...string) {
	t.Helper()
	if strings.Count(expr, "(") != strings.Count(expr, ")") || strings.Count(expr, "{") != strings.Count(expr, "}") {
		t.Errorf("%s: the brackets of %s do not match", place, expr)
	}
	may := slices.Clone(others)
	found := figureName.FindAllStringSubmatch(expr, -1)
	if len(found) == 0 {
		t.Errorf("%s: %s reads nothing of ours", place, expr)
	}
	for _, m := range found {
		labels, ok := have[m[1]]
		if base, is := strings.CutSuffix(m[1], "_bucket"); !ok && is {
			labels, ok = have[base]
			labels = append(slices.Clone(labels), "le")
		}
		if !ok {
			t.Errorf("%s: nothing exports %s", place, m[1])
			continue
		}
		may = append(may, labels...)
		for _, l := range matcher.FindAllStringSubmatch(m[2], -1) {
			if !slices.Contains(labels, l[1]) && !slices.Contains(others, l[1]) {
				t.Errorf("%s: %s has no label %s; it has %v", place, m[1], l[1], labels)
			}
		}
	}
	groups := grouping.FindAllStringSubmatch(expr, -1)
	left := slices.Clone(may)
	if len(groups) > 0 {
		left = nil
	}
	for _, g := range groups {
		for l := range strings.SplitSeq(g[1], ",") {
			l = strings.TrimSpace(l)
			left = append(left, l)
			if !slices.Contains(may, l) {
				t.Errorf("%s: %s groups by %s, which nothing in it has", place, expr, l)
			}
		}
	}
	for _, text := range texts {
		for _, l := range legendName.FindAllStringSubmatch(text, -1) {
			if !slices.Contains(left, l[1]) {
				t.Errorf("%s: %q names %s, which %s does not leave; it leaves %v", place, text, l[1], expr, left)
			}
		}
	}
}

// TestTheBoardReadsWhatIsExported: every figure and label of the Grafana board
// and of the alerts' rules is one that the product exports.
func TestTheBoardReadsWhatIsExported(t *testing.T) {
	have := exported(t)
	if !slices.Equal(have["callfloor_leg_score"], []string{"leg", "direction"}) || len(have) < 60 {
		t.Fatalf("%d figures are known, callfloor_leg_score with %v", len(have), have["callfloor_leg_score"])
	}
	checkBoard(t, have)
	checkAlerts(t, have)
}

type boardPanel struct {
	ID         int
	Type       string
	Title      string
	Datasource struct{ UID string }
	GridPos    struct{ X, Y, W, H int }
	Targets    []struct{ Expr, LegendFormat string }
}

func checkBoard(t *testing.T, have map[string][]string) {
	t.Helper()
	text, err := os.ReadFile("../../docs/monitoring/grafana.json")
	must(t, err)
	var board struct {
		Panels     []boardPanel
		Templating struct {
			List []struct{ Name, Type, Definition string }
		}
	}
	must(t, json.Unmarshal(text, &board))
	variables := map[string]string{}
	for _, v := range board.Templating.List {
		variables[v.Name] = v.Type
		if v.Type == "query" {
			checkExpression(t, "the variable "+v.Name, have, v.Definition)
		}
	}
	if variables["datasource"] != "datasource" {
		t.Errorf("the board has no variable for the data source: %v", variables)
	}
	used := map[string]bool{}
	ids := map[int]bool{}
	for _, p := range board.Panels {
		if ids[p.ID] || p.GridPos.X+p.GridPos.W > 24 {
			t.Errorf("the panel %q: id %d, at %+v", p.Title, p.ID, p.GridPos)
		}
		ids[p.ID] = true
		if p.Type == "row" {
			continue
		}
		if len(p.Targets) == 0 || p.Datasource.UID != "${datasource}" {
			t.Errorf("the panel %q asks %q for %d things", p.Title, p.Datasource.UID, len(p.Targets))
		}
		for _, target := range p.Targets {
			checkExpression(t, p.Title, have, target.Expr, target.LegendFormat)
			for _, m := range figureName.FindAllStringSubmatch(target.Expr, -1) {
				used[strings.TrimSuffix(m[1], "_bucket")] = true
			}
		}
	}
	for _, name := range slices.Sorted(maps.Keys(have)) {
		if strings.HasPrefix(name, "callfloor_queue_") && !used[name] {
			t.Errorf("no panel shows %s", name)
		}
	}
}

func checkAlerts(t *testing.T, have map[string][]string) {
	t.Helper()
	text, err := os.ReadFile("../../docs/monitoring/alerts.yaml")
	must(t, err)
	var rules struct {
		Groups []struct {
			Name  string
			Rules []struct {
				Alert, Expr, For string
				Labels           struct{ Severity string }
				Annotations      struct{ Summary string }
			}
		}
	}
	must(t, yaml.UnmarshalWithOptions(text, &rules, yaml.DisallowUnknownField()))
	seen := map[string]bool{}
	for _, g := range rules.Groups {
		for _, r := range g.Rules {
			if seen[r.Alert] || r.Annotations.Summary == "" || r.Labels.Severity == "" {
				t.Errorf("the alert %q: %+v", r.Alert, r)
			}
			seen[r.Alert] = true
			summary := strings.ReplaceAll(r.Annotations.Summary, "{{ $value", "{{ $labels.instance") // a number, which there always is
			checkExpression(t, r.Alert, have, r.Expr, summary)
		}
	}
	if len(seen) == 0 {
		t.Error("there are no alerts")
	}
}
