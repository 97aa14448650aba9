package ivr

import (
	"slices"
)

// A layered layout (Sugiyama): ranks by the longest way from the start, the
// order within a rank by what each node leads to, then places.

const (
	boxHeight = 58.0
	boxWidth  = 210.0
	endSize   = 18.0
	lineWidth = 26.0 // what a line that passes a rank takes of it
	gapX      = 34.0
	rankGap   = 84.0
	sweeps    = 24
)

// spot is a node of the picture, or a line that passes a rank (edge set).
type spot struct {
	id            string
	width, height float64
	rank          int
	x, y          float64 // of its centre
	up, down      []*spot
}

// drawnEdge is a line of the picture.
type drawnEdge struct {
	from, to string
	label    string
	back     bool    // against the ranks: it closes a loop
	twin     int     // how many lines join the same two before it
	through  []*spot // from the upper end to the lower one, both included
}

// picture is a laid-out graph.
type picture struct {
	spots         map[string]*spot
	ranks         [][]*spot
	edges         []*drawnEdge
	width, height float64
}

// layOut places the spots; edges name them. start is at the top.
func layOut(start string, spots []*spot, edges []*drawnEdge) *picture {
	p := &picture{spots: map[string]*spot{}, edges: edges}
	for _, s := range spots {
		p.spots[s.id] = s
	}
	p.findLoops(start)
	p.rank(spots)
	p.thread()
	p.order()
	p.place()
	return p
}

// findLoops marks the edges that lead back to a node on the way to them.
func (p *picture) findLoops(start string) {
	out := map[string][]*drawnEdge{}
	for _, e := range p.edges {
		out[e.from] = append(out[e.from], e)
	}
	const open, done = 1, 2
	state := map[string]int{}
	var visit func(id string)
	visit = func(id string) {
		state[id] = open
		for _, e := range out[id] {
			switch state[e.to] {
			case open:
				e.back = true
			case 0:
				visit(e.to)
			}
		}
		state[id] = done
	}
	visit(start)
}

// ends are an edge's upper and lower node.
func (e *drawnEdge) ends() (upper, lower string) {
	if e.back {
		return e.to, e.from
	}
	return e.from, e.to
}

func (p *picture) rank(spots []*spot) {
	for range spots { // the longest way has fewer edges than there are nodes
		changed := false
		for _, e := range p.edges {
			if e.from == e.to {
				continue
			}
			upper, lower := e.ends()
			if r := p.spots[upper].rank + 1; r > p.spots[lower].rank {
				p.spots[lower].rank, changed = r, true
			}
		}
		if !changed {
			break
		}
	}
	for _, s := range spots {
		for len(p.ranks) <= s.rank {
			p.ranks = append(p.ranks, nil)
		}
		p.ranks[s.rank] = append(p.ranks[s.rank], s)
	}
}

// thread puts a spot for each long edge into the ranks that it passes.
func (p *picture) thread() {
	twins := map[[2]string]int{}
	for _, e := range p.edges {
		if e.from == e.to {
			continue
		}
		upper, lower := e.ends()
		from, to := p.spots[upper], p.spots[lower]
		e.twin = twins[[2]string{upper, lower}]
		twins[[2]string{upper, lower}]++
		e.through = []*spot{from}
		for r := from.rank + 1; r < to.rank; r++ {
			s := &spot{width: lineWidth, height: boxHeight, rank: r}
			p.ranks[r] = append(p.ranks[r], s)
			e.through = append(e.through, s)
		}
		e.through = append(e.through, to)
		for i := 1; i < len(e.through); i++ {
			a, b := e.through[i-1], e.through[i]
			a.down, b.up = append(a.down, b), append(b.up, a)
		}
	}
}

// order sorts each rank by the middle of its neighbours, down and up again, and
// keeps the order with the fewest crossings.
func (p *picture) order() {
	best, fewest := p.snapshot(), p.crossings()
	for i := range sweeps {
		down := i%2 == 0
		for k := range p.ranks {
			r := k
			if !down {
				r = len(p.ranks) - 1 - k
			}
			p.sortRank(r, down)
		}
		if n := p.crossings(); n < fewest {
			best, fewest = p.snapshot(), n
		}
	}
	p.ranks = best
}

func (p *picture) snapshot() [][]*spot {
	c := make([][]*spot, len(p.ranks))
	for i, r := range p.ranks {
		c[i] = slices.Clone(r)
	}
	return c
}

func (p *picture) index() map[*spot]int {
	at := map[*spot]int{}
	for _, r := range p.ranks {
		for i, s := range r {
			at[s] = i
		}
	}
	return at
}

func (p *picture) sortRank(r int, down bool) {
	at := p.index()
	middle := map[*spot]float64{}
	for i, s := range p.ranks[r] {
		near := s.up
		if !down {
			near = s.down
		}
		middle[s] = float64(i)
		if len(near) > 0 {
			sum := 0.0
			for _, n := range near {
				sum += float64(at[n])
			}
			middle[s] = sum / float64(len(near))
		}
	}
	slices.SortStableFunc(p.ranks[r], func(a, b *spot) int {
		switch {
		case middle[a] < middle[b]:
			return -1
		case middle[a] > middle[b]:
			return 1
		}
		return 0
	})
}

func (p *picture) crossings() int {
	at := p.index()
	n := 0
	for _, rank := range p.ranks {
		var ends [][2]int
		for i, s := range rank {
			for _, d := range s.down {
				ends = append(ends, [2]int{i, at[d]})
			}
		}
		for i := range ends {
			for j := i + 1; j < len(ends); j++ {
				if (ends[i][0]-ends[j][0])*(ends[i][1]-ends[j][1]) < 0 {
					n++
				}
			}
		}
	}
	return n
}

// place gives every spot its centre: in its rank's order, as near to the middle
// of its neighbours as the others let it.
func (p *picture) place() {
	for i, rank := range p.ranks {
		x := 0.0
		for _, s := range rank {
			s.x, s.y = x+s.width/2, float64(i)*(boxHeight+rankGap)+boxHeight/2
			x += s.width + gapX
		}
	}
	for i := range sweeps {
		for k := range p.ranks {
			r := k
			if i%2 == 1 {
				r = len(p.ranks) - 1 - k
			}
			p.pull(p.ranks[r], i%2 == 0)
		}
	}
	left, right := 0.0, 0.0
	for _, rank := range p.ranks {
		for _, s := range rank {
			left, right = min(left, s.x-s.width/2), max(right, s.x+s.width/2)
		}
	}
	for _, rank := range p.ranks {
		for _, s := range rank {
			s.x -= left
		}
	}
	p.width, p.height = right-left, float64(len(p.ranks))*(boxHeight+rankGap)-rankGap
}

// pull moves a rank's spots towards their neighbours and then apart: once from
// the left and once from the right, and takes the middle of both.
func (p *picture) pull(rank []*spot, down bool) {
	want := make([]float64, len(rank))
	for i, s := range rank {
		near := s.up
		if !down {
			near = s.down
		}
		want[i] = s.x
		if len(near) > 0 {
			sum := 0.0
			for _, n := range near {
				sum += n.x
			}
			want[i] = sum / float64(len(near))
		}
	}
	fromLeft, fromRight := slices.Clone(want), slices.Clone(want)
	for i := 1; i < len(rank); i++ {
		fromLeft[i] = max(fromLeft[i], fromLeft[i-1]+distance(rank[i-1], rank[i]))
	}
	for i := len(rank) - 2; i >= 0; i-- {
		fromRight[i] = min(fromRight[i], fromRight[i+1]-distance(rank[i], rank[i+1]))
	}
	for i, s := range rank {
		s.x = (fromLeft[i] + fromRight[i]) / 2
	}
}

func distance(a, b *spot) float64 { return (a.width+b.width)/2 + gapX }
