package seatclient

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"callfloor/contact"
	"callfloor/web"

	"github.com/gorilla/websocket"
)

// run keeps a socket open until the client is over.
func (c *Client) run() {
	defer close(c.done)
	defer c.closePeer()
	wait := retryFirst
	for c.ctx.Err() == nil {
		welcomed, err := c.session()
		if c.ctx.Err() != nil {
			return
		}
		if !welcomed && c.Welcome().Epoch == "" {
			c.stop(err) // the first attempt tells the caller why
			return
		}
		if welcomed {
			wait = retryFirst
		}
		c.log.Info("seat socket lost; trying again", "error", err)
		select {
		case <-c.ctx.Done():
			return
		case <-time.After(wait):
		}
		wait = min(2*wait, retryMost)
	}
}

// session is one socket from its dialling to its end.
func (c *Client) session() (welcomed bool, err error) {
	ctx, cancel := context.WithTimeout(c.ctx, dialWithin)
	defer cancel()
	dialer := websocket.Dialer{HandshakeTimeout: dialWithin, TLSClientConfig: c.opts.TLS}
	conn, resp, err := dialer.DialContext(ctx, c.url, c.header())
	if err != nil {
		if resp != nil {
			return false, fmt.Errorf("the server answered %s: %w", resp.Status, err)
		}
		return false, err
	}
	conn.SetReadLimit(maxFrame)
	// The context ends the blocking read.
	defer context.AfterFunc(c.ctx, func() { _ = conn.Close() })()
	c.mu.Lock()
	c.conn = conn
	hello := web.Hello{Type: web.TypeHello, Token: c.opts.Token, Tab: c.opts.Tab, Epoch: c.epoch, Seq: c.seq, TakeOver: c.opts.TakeOver && c.epoch == ""}
	c.mu.Unlock()
	defer func() {
		_ = conn.Close()
		c.mu.Lock()
		c.conn, c.welcomed = nil, false
		for req, answer := range c.results {
			answer <- web.Result{Req: req, Code: contact.Busy, Error: "the seat socket was lost before the answer"}
			delete(c.results, req)
		}
		c.notify()
		c.mu.Unlock()
	}()
	if err := c.send(hello); err != nil {
		return false, err
	}
	stopReports := c.reportMicrophone()
	defer stopReports()
	alive := func() { _ = conn.SetReadDeadline(time.Now().Add(readWithin)) }
	ping := conn.PingHandler()
	conn.SetPingHandler(func(data string) error { alive(); return ping(data) })
	for {
		alive()
		_, frame, err := conn.ReadMessage()
		if err != nil {
			return welcomed, err
		}
		kind, err := c.take(frame)
		welcomed = welcomed || kind == web.TypeWelcome
		if err != nil {
			return welcomed, err
		}
	}
}

// reportMicrophone tells the microphone's state every 5 s until it is stopped.
func (c *Client) reportMicrophone() (stop func()) {
	ctx, cancel := context.WithCancel(c.ctx)
	done := make(chan struct{})
	go func() {
		defer close(done)
		tick := time.NewTicker(reportEvery)
		defer tick.Stop()
		for {
			select {
			case <-ctx.Done():
				return
			case <-tick.C:
				c.mu.Lock()
				state := c.micState
				c.mu.Unlock()
				_ = c.SetMicrophone(state) // a lost socket is seen by the reader
			}
		}
	}()
	return func() { cancel(); <-done }
}

// take deals with one message of the server. An error ends the socket.
func (c *Client) take(frame []byte) (kind string, err error) {
	var head struct {
		Type string `json:"type"`
	}
	if err := json.Unmarshal(frame, &head); err != nil {
		return "", fmt.Errorf("a message of the server is not JSON: %w", err)
	}
	switch head.Type {
	case web.TypeWelcome:
		err = with(frame, c.takeWelcome)
	case web.TypeSnapshot:
		err = with(frame, c.takeSnapshot)
	case web.TypeChange:
		err = with(frame, c.takeChange)
	case web.TypeTab:
		err = with(frame, c.takeTab)
	case web.TypeAnswer:
		err = with(frame, c.takeAnswer)
	case web.TypeCandidate:
		err = with(frame, c.takeCandidate)
	case web.TypeResult:
		err = with(frame, c.takeResult)
	case web.TypeBye:
		err = with(frame, c.takeBye)
	}
	return head.Type, err
}

// with decodes a frame for its handler.
func with[T any](frame []byte, handle func(T) error) error {
	var m T
	if err := json.Unmarshal(frame, &m); err != nil {
		return fmt.Errorf("a message of the server cannot be read: %w", err)
	}
	return handle(m)
}

func (c *Client) takeWelcome(m web.Welcome) error {
	if m.Protocol != web.ProtocolVersion {
		err := fmt.Errorf("the server speaks version %d of the seat socket, this program %d", m.Protocol, web.ProtocolVersion)
		c.stop(err)
		return err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.epoch != "" && c.epoch != m.Epoch {
		c.seq = 0 // another server process: a snapshot follows
		c.dropPeer()
	}
	c.welcome, c.welcomed = m, true
	c.notify()
	return nil
}

func (c *Client) takeSnapshot(m web.Snapshot) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.doc, c.seq, c.epoch = m.Doc, m.Seq, c.welcome.Epoch
	if c.doc == nil {
		c.doc = map[string]json.RawMessage{}
	}
	c.notify()
	return nil
}

func (c *Client) takeChange(m web.Change) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if m.Seq != c.seq+1 {
		c.epoch, c.seq = "gap", 0 // ask for a snapshot
		return errors.New("a change is missing")
	}
	c.seq = m.Seq
	if string(m.Value) == "null" || m.Value == nil {
		delete(c.doc, m.Key)
	} else {
		c.doc[m.Key] = m.Value
	}
	c.notify()
	return nil
}

// takeTab connects media when this tab became the phone.
func (c *Client) takeTab(m web.Tab) error {
	c.mu.Lock()
	c.phone = m.Phone
	state := c.micState
	if !m.Phone {
		c.dropPeer()
	}
	c.notify()
	c.mu.Unlock()
	if !m.Phone || c.opts.NoMedia {
		return nil
	}
	if err := c.SetMicrophone(state); err != nil {
		return err
	}
	return c.ensurePeer()
}

func (c *Client) takeResult(m web.Result) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if answer, ok := c.results[m.Req]; ok {
		answer <- m
		delete(c.results, m.Req)
	}
	return nil
}

func (c *Client) takeBye(m web.Bye) error {
	err := &contact.Error{Code: m.Code, Message: m.Reason}
	if !m.Reconnect {
		c.stop(err)
	}
	return err
}
