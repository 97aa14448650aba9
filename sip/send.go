package sip

import (
	"context"
	"errors"
	"sync"

	gosip "github.com/emiago/sipgo/sip"
)

// exit is what all messages of ours go through that no response of sipgo's is. After it
// is shut none does: sipgo, which forgets our sockets when the server is closed, would
// open one of its own for it, at our address, and read from it for ever.
type exit struct {
	mu   sync.RWMutex
	shut bool
}

var errShut = errors.New("the SIP server is closed")

// close waits for what is being sent. Writes have a limit (writeTimeout).
func (e *exit) close() {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.shut = true
}

// begin sends a request and returns its transaction.
func (s *Server) begin(ctx context.Context, req *gosip.Request) (*gosip.ClientTx, error) {
	s.exit.mu.RLock()
	defer s.exit.mu.RUnlock()
	if s.exit.shut {
		return nil, errShut
	}
	return s.txl.Request(ctx, req)
}

// write sends a message that has no transaction.
func (s *Server) write(m gosip.Message) error {
	s.exit.mu.RLock()
	defer s.exit.mu.RUnlock()
	if s.exit.shut {
		return errShut
	}
	return s.tpl.WriteMsg(m)
}
