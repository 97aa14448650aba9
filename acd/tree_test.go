package acd

import (
	"slices"
	"testing"

	"pgregory.net/rapid"
)

type leaf struct {
	key  int
	in   node[*leaf]
	slot int
}

// Tree and heap do what a sorted list does.
func TestTreeAndHeap(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		less := func(a, b *leaf) bool { return a.key < b.key }
		tr := tree[*leaf]{less: less}
		h := heap[*leaf]{less: less, slot: func(l *leaf) *int { return &l.slot }}
		var list []*leaf
		for range rapid.IntRange(1, 200).Draw(t, "steps") {
			key := rapid.IntRange(0, 100).Draw(t, "key")
			i, found := slices.BinarySearchFunc(list, key, func(l *leaf, key int) int { return l.key - key })
			if found {
				l := list[i]
				tr.remove(&l.in)
				tr.remove(&l.in) // twice is once
				h.remove(l)
				h.remove(l)
				list = slices.Delete(list, i, i+1)
			} else {
				l := &leaf{key: key}
				l.in.v = l
				tr.insert(&l.in)
				h.push(l)
				list = slices.Insert(list, i, l)
			}
			if got := slices.Collect(tr.all()); !slices.Equal(got, list) || tr.len() != len(list) {
				t.Fatalf("the tree has %v (%d), want %v", got, tr.len(), list)
			}
			for i, l := range list {
				if tr.rank(&l.in) != i {
					t.Fatalf("rank of %d is %d, want %d", l.key, tr.rank(&l.in), i)
				}
			}
			if h.len() != len(list) || h.len() > 0 && h.first() != list[0] {
				t.Fatalf("the heap has %d, want %d with the first %v", h.len(), len(list), list)
			}
		}
	})
}

// A sorted insertion must not make a list of the tree.
func TestTreeStaysFlat(t *testing.T) {
	tr := tree[*leaf]{less: func(a, b *leaf) bool { return a.key < b.key }}
	for i := range 10_000 {
		l := &leaf{key: i}
		l.in.v = l
		tr.insert(&l.in)
	}
	var depth func(n *node[*leaf]) int
	depth = func(n *node[*leaf]) int {
		if n == nil {
			return 0
		}
		return 1 + max(depth(n.left), depth(n.right))
	}
	if d := depth(tr.root); d > 60 {
		t.Errorf("10,000 in order are %d deep", d)
	}
}
