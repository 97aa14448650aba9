package ivr

import (
	"fmt"
	"html"
	"io"
	"strings"
	"unicode/utf8"
)

const (
	margin     = 30.0
	maxLabel   = 28 // runes of a line's label
	maxBoxText = 30 // runes in a box
)

// colours of the boxes: fill and line, by what a node is for.
func colours(kind string) (fill, line string) {
	switch kind {
	case "menu", "collect", "language", "survey", "studio":
		return "#e8f0fe", "#3367d6"
	case "consent":
		return "#fef1dc", "#b26a00"
	case "queue":
		return "#e3f4e8", "#1e7e44"
	case "branch", "split", "hours", "set", "lookup", "subflow", "goto", "return":
		return "#f1eafa", "#6b3fa0"
	case "hangup":
		return "#fbe6e6", "#b3261e"
	default:
		return "#f4f5f7", "#5f6b7a"
	}
}

// Draw writes the flow's graph as SVG: the start at the top, every way that a
// caller can take, loops as broken lines.
func (f *Flow) Draw(w io.Writer) error {
	spots, edges := f.graph()
	p := layOut(f.start, spots, edges)
	var b strings.Builder
	width, height := p.width+2*margin+60, p.height+2*margin+30
	fmt.Fprintf(&b, `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %.0f %.0f" width="%.0f" height="%.0f" font-family="system-ui, 'Segoe UI', 'Noto Sans', sans-serif" role="img">`+"\n", width, height, width, height)
	fmt.Fprintf(&b, "<title>%s</title>\n", html.EscapeString(f.file))
	b.WriteString(`<defs><marker id="arrow" viewBox="0 0 10 10" refX="9" refY="5" markerWidth="8" markerHeight="8" orient="auto-start-reverse"><path d="M0 1 L9 5 L0 9 z" fill="#5f6b7a"/></marker></defs>` + "\n")
	fmt.Fprintf(&b, `<rect width="100%%" height="100%%" fill="#ffffff"/><text x="%.0f" y="22" font-size="13" fill="#5f6b7a">%s · version %s</text>`+"\n", margin, html.EscapeString(f.file), f.version)
	fmt.Fprintf(&b, `<g transform="translate(%.0f %.0f)">`+"\n", margin, margin+16)
	for _, e := range p.edges {
		p.drawEdge(&b, e)
	}
	for _, s := range spots {
		f.drawSpot(&b, s)
	}
	p.drawLabels(&b)
	b.WriteString("</g>\n</svg>\n")
	_, err := io.WriteString(w, b.String())
	return err
}

// graph makes the spots and lines of what a caller can reach.
func (f *Flow) graph() ([]*spot, []*drawnEdge) {
	reached := f.walk()
	var spots []*spot
	var edges []*drawnEdge
	for _, id := range f.order {
		if reached[id] == nil {
			continue
		}
		spots = append(spots, &spot{id: id, width: boxWidth, height: boxHeight})
		known := map[string]*drawnEdge{}
		exits := f.ways(id)
		for _, e := range exits {
			to := e.to.text
			if to == "" {
				if len(exits) == 1 {
					continue // a box that ends the call says so itself
				}
				if to = "\x00" + id; known[to] == nil {
					spots = append(spots, &spot{id: to, width: endSize, height: endSize})
				}
			}
			if one := known[to]; one != nil {
				one.label = strings.Trim(one.label+" · "+short(e.by), " ·")
				continue
			}
			known[to] = &drawnEdge{from: id, to: to, label: short(e.by)}
			edges = append(edges, known[to])
		}
	}
	return spots, edges
}

// short makes "key 1 (Sales)" the label "1 Sales".
func short(by string) string {
	if rest, ok := strings.CutPrefix(by, "key "); ok {
		return strings.TrimSuffix(strings.Replace(rest, " (", " ", 1), ")")
	}
	return strings.TrimPrefix(by, "when ")
}

func (f *Flow) drawSpot(b *strings.Builder, s *spot) {
	if strings.HasPrefix(s.id, "\x00") {
		fmt.Fprintf(b, `<circle cx="%.1f" cy="%.1f" r="8" fill="#fff" stroke="#b3261e" stroke-width="2"/><circle cx="%.1f" cy="%.1f" r="4" fill="#b3261e"/>`+"\n", s.x, s.y, s.x, s.y)
		return
	}
	n := f.nodes[s.id]
	fill, line := colours(n.kind)
	weight := "1.4"
	if s.id == f.start {
		weight = "3"
	}
	fmt.Fprintf(b, `<g><rect x="%.1f" y="%.1f" width="%.0f" height="%.0f" rx="9" fill="%s" stroke="%s" stroke-width="%s"/>`, s.x-s.width/2, s.y-s.height/2, s.width, s.height, fill, line, weight)
	fmt.Fprintf(b, `<text x="%.1f" y="%.1f" font-size="14" font-weight="600" fill="#1c2430">%s</text>`, s.x-s.width/2+12, s.y-6, html.EscapeString(cut(n.id, 22)))
	fmt.Fprintf(b, `<text x="%.1f" y="%.1f" font-size="11" text-anchor="end" fill="%s">%s</text>`, s.x+s.width/2-10, s.y-7, line, n.kind)
	fmt.Fprintf(b, `<text x="%.1f" y="%.1f" font-size="11.5" fill="#465160">%s</text></g>`+"\n", s.x-s.width/2+12, s.y+15, html.EscapeString(cut(n.step.summary(), maxBoxText)))
}

// cut shortens a text to n runes.
func cut(s string, n int) string {
	if utf8.RuneCountInString(s) <= n {
		return s
	}
	return string([]rune(s)[:n-1]) + "…"
}

// drawEdge draws a line from rank to rank, each piece a soft S.
func (p *picture) drawEdge(b *strings.Builder, e *drawnEdge) {
	const line = `<path d="%s" fill="none" stroke="#8a94a3" stroke-width="1.5"%s marker-%s="url(#arrow)"/>` + "\n"
	if e.from == e.to {
		s := p.spots[e.from]
		x, y := s.x+s.width/2, s.y
		fmt.Fprintf(b, line, fmt.Sprintf("M%.1f %.1f c34 -22 34 22 0 14", x, y-10), ` stroke-dasharray="5 4"`, "end")
		return
	}
	var d strings.Builder
	x, y := e.start()
	fmt.Fprintf(&d, "M%.1f %.1f", x, y)
	for i := 1; i < len(e.through); i++ {
		s := e.through[i]
		tx, ty := s.x, s.y-s.height/2
		if i == len(e.through)-1 {
			tx = s.x + port(s.up, e.through[i-1], s.width, e.twin)
		}
		bend := (ty - y) / 2
		fmt.Fprintf(&d, " C%.1f %.1f %.1f %.1f %.1f %.1f", x, y+bend, tx, ty-bend, tx, ty)
		if i < len(e.through)-1 {
			ty = s.y + s.height/2
			fmt.Fprintf(&d, " L%.1f %.1f", tx, ty)
		}
		x, y = tx, ty
	}
	dash, end := "", "end"
	if e.back {
		dash, end = ` stroke-dasharray="5 4"`, "start"
	}
	fmt.Fprintf(b, line, d.String(), dash, end)
}

// start is where a line leaves its upper box.
func (e *drawnEdge) start() (x, y float64) {
	s := e.through[0]
	return s.x + port(s.down, e.through[1], s.width, e.twin), s.y + s.height/2
}

// port spreads the lines of a box along its side, in the order of their other
// ends.
func port(all []*spot, to *spot, width float64, twin int) float64 {
	before := twin
	for _, o := range all {
		if o.x < to.x {
			before++
		}
	}
	n := float64(len(all))
	step := min(width*0.7/n, 46)
	return (float64(before) - (n-1)/2) * step
}

// drawLabels writes what leads along each line, on the line near its beginning,
// one below the other where they would meet.
func (p *picture) drawLabels(b *strings.Builder) {
	type box struct{ x, y, w float64 }
	var taken []box
	for _, e := range p.edges {
		if e.label == "" {
			continue
		}
		text := cut(e.label, maxLabel)
		w := float64(utf8.RuneCountInString(text))*6.1 + 10
		x, y := p.labelAt(e)
		for moved := true; moved; {
			moved = false
			for _, t := range taken {
				if abs(t.x-x) < (t.w+w)/2 && abs(t.y-y) < 17 {
					y, moved = t.y+17, true
				}
			}
		}
		taken = append(taken, box{x, y, w})
		fmt.Fprintf(b, `<rect x="%.1f" y="%.1f" width="%.1f" height="16" rx="4" fill="#ffffff" fill-opacity="0.94"/><text x="%.1f" y="%.1f" font-size="11" text-anchor="middle" fill="#2f3946">%s</text>`+"\n",
			x-w/2, y-8, w, x, y+4, html.EscapeString(text))
	}
}

// labelAt is a point on the line near the node that it leaves.
func (p *picture) labelAt(e *drawnEdge) (x, y float64) {
	if e.from == e.to {
		s := p.spots[e.from]
		return s.x + s.width/2 + 40, s.y
	}
	if e.back { // it leaves the lower box at its top
		last, before := e.through[len(e.through)-1], e.through[len(e.through)-2]
		from, to := last.x+port(last.up, before, last.width, e.twin), before.x
		return from + (to-from)*0.3, last.y - last.height/2 - rankGap*0.36
	}
	x, y = e.start()
	to := e.through[1]
	return x + (to.x-x)*0.3, y + rankGap*0.36
}

func abs(x float64) float64 { return max(x, -x) }
