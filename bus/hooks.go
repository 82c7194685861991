package bus

import "sync"

// hooks are functions to call when something happens. The zero value is ready.
type hooks struct{ with hooksFor[struct{}] }

func (h *hooks) add(f func()) (forget func()) { return h.with.add(func(struct{}) { f() }) }
func (h *hooks) call()                        { h.with.call(struct{}{}) }

// hooksFor are hooks that are told something.
type hooksFor[T any] struct {
	mu   sync.Mutex // guards the following
	next int
	fs   map[int]func(T)
}

func (h *hooksFor[T]) add(f func(T)) (forget func()) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.fs == nil {
		h.fs = make(map[int]func(T))
	}
	id := h.next
	h.next++
	h.fs[id] = f
	return func() {
		h.mu.Lock()
		defer h.mu.Unlock()
		delete(h.fs, id)
	}
}

// call runs the hooks without the lock, so that a hook may add or forget one.
func (h *hooksFor[T]) call(v T) {
	h.mu.Lock()
	fs := make([]func(T), 0, len(h.fs))
	for _, f := range h.fs {
		fs = append(fs, f)
	}
	h.mu.Unlock()
	for _, f := range fs {
		f(v)
	}
}
