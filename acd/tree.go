package acd

import "iter"

// tree is an ordered set that knows each member's rank: a treap whose shape
// follows from the order of insertions, so that State stays deterministic.
// Insert, remove and rank take O(log n). less must be a strict total order
// that does not change while a value is in the tree.
type tree[V any] struct {
	root *node[V]
	less func(a, b V) bool
	made uint64
}

// node is a place in a tree; it lives inside the value that it holds, so that
// nothing is allocated.
type node[V any] struct {
	v           V
	left, right *node[V]
	n           int    // nodes in this subtree, 0 when not in a tree
	weight      uint64 // heap order: a parent's is not smaller
}

func (n *node[V]) size() int {
	if n == nil {
		return 0
	}
	return n.n
}

func (n *node[V]) count() *node[V] {
	n.n = 1 + n.left.size() + n.right.size()
	return n
}

func (t *tree[V]) len() int { return t.root.size() }

// insert adds n, which must not be in a tree.
func (t *tree[V]) insert(n *node[V]) {
	t.made++
	n.weight = scramble(t.made)
	t.root = t.put(t.root, n)
}

func (t *tree[V]) put(at, n *node[V]) *node[V] {
	switch {
	case at == nil:
		return n.count()
	case n.weight > at.weight:
		n.left, n.right = t.split(at, n.v)
		return n.count()
	case t.less(n.v, at.v):
		at.left = t.put(at.left, n)
	default:
		at.right = t.put(at.right, n)
	}
	return at.count()
}

// split parts a subtree into what is less than v and what is not.
func (t *tree[V]) split(at *node[V], v V) (left, right *node[V]) {
	if at == nil {
		return nil, nil
	}
	if t.less(at.v, v) {
		at.right, right = t.split(at.right, v)
		return at.count(), right
	}
	left, at.left = t.split(at.left, v)
	return left, at.count()
}

// remove takes n out; a node that is in no tree is left alone.
func (t *tree[V]) remove(n *node[V]) {
	if n.n == 0 {
		return
	}
	t.root = t.drop(t.root, n)
	n.left, n.right, n.n = nil, nil, 0
}

func (t *tree[V]) drop(at, n *node[V]) *node[V] {
	switch {
	case at == n:
		return join(n.left, n.right)
	case t.less(n.v, at.v):
		at.left = t.drop(at.left, n)
	default:
		at.right = t.drop(at.right, n)
	}
	return at.count()
}

func join[V any](a, b *node[V]) *node[V] {
	switch {
	case a == nil:
		return b
	case b == nil:
		return a
	case a.weight > b.weight:
		a.right = join(a.right, b)
		return a.count()
	default:
		b.left = join(a, b.left)
		return b.count()
	}
}

// rank returns how many values come before n, which must be in the tree.
func (t *tree[V]) rank(n *node[V]) int {
	before := 0
	for at := t.root; at != n; {
		if t.less(n.v, at.v) {
			at = at.left
			continue
		}
		before += at.left.size() + 1
		at = at.right
	}
	return before + n.left.size()
}

// at returns the value that i others come before; i must be below len.
func (t *tree[V]) at(i int) V {
	for at := t.root; ; {
		switch before := at.left.size(); {
		case i == before:
			return at.v
		case i < before:
			at = at.left
		default:
			i -= before + 1
			at = at.right
		}
	}
}

// all yields the values in order. The tree must not change meanwhile.
func (t *tree[V]) all() iter.Seq[V] {
	return func(yield func(V) bool) { t.root.walk(yield) }
}

func (n *node[V]) walk(yield func(V) bool) bool {
	return n == nil || n.left.walk(yield) && yield(n.v) && n.right.walk(yield)
}

// scramble spreads a counter over 64 bits (the finaliser of SplitMix64).
func scramble(x uint64) uint64 {
	x *= 0x9e3779b97f4a7c15
	x = (x ^ x>>30) * 0xbf58476d1ce4e5b9
	x = (x ^ x>>27) * 0x94d049bb133111eb
	return x ^ x>>31
}
