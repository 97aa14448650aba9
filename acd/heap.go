package acd

// heap is a binary heap whose members know their place in it, so that any of
// them can be taken out in O(log n). slot points to the integer inside a
// member that keeps its place, counted from 1; 0 is "not in the heap".
type heap[V any] struct {
	items []V
	less  func(a, b V) bool
	slot  func(V) *int
}

func (h *heap[V]) len() int { return len(h.items) }

// first returns the smallest; the heap must not be empty.
func (h *heap[V]) first() V { return h.items[0] }

// push adds v, which must not be in the heap.
func (h *heap[V]) push(v V) {
	h.items = append(h.items, v)
	*h.slot(v) = len(h.items)
	h.up(len(h.items) - 1)
}

// remove takes v out; a value that is not in the heap is left alone.
func (h *heap[V]) remove(v V) {
	i := *h.slot(v) - 1
	if i < 0 {
		return
	}
	last := len(h.items) - 1
	h.swap(i, last)
	*h.slot(v) = 0
	var zero V
	h.items[last] = zero
	h.items = h.items[:last]
	if i < last {
		h.up(i)
		h.down(i)
	}
}

func (h *heap[V]) up(i int) {
	for i > 0 {
		parent := (i - 1) / 2
		if !h.less(h.items[i], h.items[parent]) {
			return
		}
		h.swap(i, parent)
		i = parent
	}
}

func (h *heap[V]) down(i int) {
	for {
		child := 2*i + 1
		if child >= len(h.items) {
			return
		}
		if right := child + 1; right < len(h.items) && h.less(h.items[right], h.items[child]) {
			child = right
		}
		if !h.less(h.items[child], h.items[i]) {
			return
		}
		h.swap(i, child)
		i = child
	}
}

func (h *heap[V]) swap(i, j int) {
	h.items[i], h.items[j] = h.items[j], h.items[i]
	*h.slot(h.items[i]), *h.slot(h.items[j]) = i+1, j+1
}
