package sip

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"strconv"
	"strings"
	"time"

	gosip "github.com/emiago/sipgo/sip"
)

// contactUser is the user of our Contact.
const contactUser = "callfloor"

// The pace of registrations and questions.
const (
	answerWithin  = 5 * time.Second  // to REGISTER and OPTIONS
	firstRetry    = 2 * time.Second  // after a registration that failed,
	lastRetry     = 5 * time.Minute  // doubled up to this
	refusedRetry  = 15 * time.Minute // after user and password were refused
	missesForDown = 3
)

// watch asks a trunk again and again whether it is there (RFC 3261 §11).
func (t *Trunks) watch(k *trunk) {
	defer t.s.recovered("watch a trunk")
	every := k.cfg.OptionsEvery
	if every == 0 {
		every = optionsEvery
	}
	wait := jitter(0, min(every/10, time.Second)+1) // not all at once
	for t.sleep(wait) {
		t.look(k)
		wait = jitter(every-every/20, every+every/20)
	}
}

// sleep waits; false when the trunks are closed.
func (t *Trunks) sleep(d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-t.ctx.Done():
		return false
	}
}

// look asks once. Any answer but 503 and 408 shows that somebody is there.
func (t *Trunks) look(k *trunk) {
	ctx, cancel := context.WithTimeout(t.ctx, answerWithin)
	defer cancel()
	began := time.Now()
	res, err := t.send(ctx, k, func(h hop) *gosip.Request {
		to := gosip.Uri{Scheme: "sip", Host: k.cfg.domain()}
		req := t.s.outside(gosip.OPTIONS, to, to, gosip.Uri{Scheme: "sip", User: contactUser, Host: k.cfg.domain()}, newTag()+"@callfloor", 1, h)
		req.AppendHeader(gosip.NewHeader("Accept", "application/sdp"))
		return req
	})
	if t.ctx.Err() != nil {
		return
	}
	status, reason := 0, ""
	if err == nil {
		status, reason = res.StatusCode, res.Reason
	}
	if status == 503 || status == 408 {
		err = fmt.Errorf("it answers OPTIONS with %d", status)
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	k.answered(status, reason, err, time.Since(began))
	if err == nil {
		k.misses = 0
		t.set(k, TrunkUp, "")
		return
	}
	if k.misses++; k.misses >= missesForDown {
		t.set(k, TrunkDown, printable(err.Error(), 200))
	}
}

// register keeps a registration (RFC 3261 §10.2) until the trunks are closed.
func (t *Trunks) register(k *trunk) {
	defer t.s.recovered("register with a trunk")
	expires := k.cfg.Expires
	if expires == 0 {
		expires = defaultExpires
	}
	retry := firstRetry
	for {
		granted, err := t.registerOnce(t.ctx, k, expires)
		var wait time.Duration
		switch {
		case t.ctx.Err() != nil:
		case err == nil:
			retry = firstRetry
			wait = jitter(granted/2, granted*9/10)
		case errors.Is(err, errChallenge):
			wait = jitter(refusedRetry, refusedRetry*5/4)
		default:
			wait = jitter(retry/2, retry)
			retry = min(2*retry, lastRetry)
		}
		t.registered(k, granted, err)
		if !t.sleep(wait) {
			break
		}
	}
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Second)
	defer cancel()
	if time.Now().Before(k.until()) {
		_, _ = t.registerOnce(ctx, k, 0) // it ends by itself, too
	}
}

func (k *trunk) until() time.Time {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.registered
}

func (t *Trunks) registered(k *trunk, granted time.Duration, err error) {
	if t.ctx.Err() != nil {
		return
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	was := k.refused
	k.refused = errors.Is(err, errChallenge)
	if err != nil {
		k.lastError, k.errorAt = printable(err.Error(), 200), time.Now()
		t.s.log.Warn("a registration with a trunk failed", "trunk", k.cfg.ID, "error", err)
	} else {
		if k.registered.IsZero() || was {
			t.s.log.Info("registered with a trunk", "trunk", k.cfg.ID, "for", granted)
		}
		k.registered = time.Now().Add(granted)
		t.set(k, TrunkUp, "")
		k.misses = 0
	}
	if was != k.refused {
		k.since = time.Now()
	}
}

// registerOnce registers for expires, answering a challenge and a 423, and
// returns for how long it holds.
func (t *Trunks) registerOnce(ctx context.Context, k *trunk, expires time.Duration) (time.Duration, error) {
	challenged := false
	for range inviteAttempts {
		within, cancel := context.WithTimeout(ctx, answerWithin)
		var sentTo netip.Addr
		res, err := t.send(within, k, func(h hop) *gosip.Request {
			sentTo = h.at.Addr()
			return t.registration(k, h, expires)
		})
		cancel()
		if err != nil {
			return 0, fmt.Errorf("register: %w", err)
		}
		switch {
		case res.IsSuccess():
			k.login.took()
			return grantedBy(res, expires), nil
		case res.StatusCode == 401 || res.StatusCode == 407:
			if err := k.login.answer(res, sentTo, challenged); err != nil {
				return 0, fmt.Errorf("register: %w", err)
			}
			challenged = true
		case res.StatusCode == 423: // RFC 3261 §10.2.8
			least, err := strconv.ParseUint(headerValue(res, "Min-Expires"), 10, 31)
			if err != nil || time.Duration(least)*time.Second <= expires || least > 24*3600 {
				return 0, errors.New("register: the trunk finds the time too short and does not say how long it must be")
			}
			expires = time.Duration(least) * time.Second
		case res.StatusCode == 403:
			return 0, fmt.Errorf("register: %w: 403 %s", errChallenge, printable(res.Reason, 80))
		default:
			return 0, fmt.Errorf("register: %d %s", res.StatusCode, printable(res.Reason, 80))
		}
	}
	return 0, fmt.Errorf("register: %w: the trunk asks again and again", errChallenge)
}

func (t *Trunks) registration(k *trunk, h hop, expires time.Duration) *gosip.Request {
	k.mu.Lock()
	k.seq++
	seq := k.seq
	k.mu.Unlock()
	who := gosip.Uri{Scheme: "sip", User: k.cfg.User, Host: k.cfg.domain()}
	req := t.s.outside(gosip.REGISTER, gosip.Uri{Scheme: "sip", Host: k.cfg.domain()}, who, who, k.callID, seq, h)
	req.AppendHeader(gosip.NewHeader("Expires", strconv.Itoa(int(expires/time.Second))))
	k.login.sign(req)
	return req
}

// grantedBy is how long a registration holds: what the 200 says of our Contact,
// else its Expires, else what we asked for (RFC 3261 §10.2.4).
func grantedBy(res *gosip.Response, asked time.Duration) time.Duration {
	best := asked
	if n, err := strconv.ParseUint(headerValue(res, "Expires"), 10, 31); err == nil {
		best = time.Duration(n) * time.Second
	}
	for _, h := range res.GetHeaders("Contact") {
		c, ok := h.(*gosip.ContactHeader)
		if !ok || c.Address.User != contactUser {
			continue
		}
		if v, ok := c.Params.Get("expires"); ok {
			if n, err := strconv.ParseUint(strings.Trim(v, `"`), 10, 31); err == nil {
				best = time.Duration(n) * time.Second
			}
		}
	}
	return max(min(best, 24*time.Hour), 10*time.Second)
}

// send sends a request to the first place of a trunk that answers.
func (t *Trunks) send(ctx context.Context, k *trunk, build func(hop) *gosip.Request) (*gosip.Response, error) {
	var failed error
	for _, host := range k.cfg.Hosts {
		hops, err := t.dns.find(ctx, host, k.cfg.Transport)
		if err != nil {
			failed = errors.Join(failed, err)
		}
		for i, h := range hops {
			within, cancel := context.WithTimeout(ctx, answerWithin/time.Duration(len(hops)-i))
			res, err := t.s.exchangeAt(within, build(h), h)
			cancel()
			if err == nil {
				return res, nil
			}
			if failed = errors.Join(failed, err); ctx.Err() != nil {
				return nil, failed
			}
		}
	}
	return nil, failed
}

// outside builds a request outside of any dialog.
func (s *Server) outside(method gosip.RequestMethod, uri, to, from gosip.Uri, callID string, seq uint32, h hop) *gosip.Request {
	advertise, _ := s.localIP(h.at)
	req := gosip.NewRequest(method, uri)
	via := &gosip.ViaHeader{
		ProtocolName: "SIP", ProtocolVersion: "2.0", Transport: h.transport,
		Host: hostOf(advertise), Port: s.port(h.transport), Params: gosip.NewParams(),
	}
	via.Params.Add("branch", gosip.RFC3261BranchMagicCookie+newTag())
	via.Params.Add("rport", "")
	req.AppendHeader(via)
	mf := gosip.MaxForwardsHeader(70)
	req.AppendHeader(&mf)
	f := &gosip.FromHeader{Address: from, Params: gosip.NewParams()}
	f.Params.Add("tag", newTag())
	req.AppendHeader(f)
	req.AppendHeader(&gosip.ToHeader{Address: to, Params: gosip.NewParams()})
	id := gosip.CallIDHeader(callID)
	req.AppendHeader(&id)
	req.AppendHeader(&gosip.CSeqHeader{SeqNo: seq, MethodName: method})
	ours := gosip.Uri{Scheme: "sip", User: contactUser, Host: hostOf(advertise), Port: s.port(h.transport)}
	if h.transport != "UDP" {
		ours.UriParams = gosip.NewParams()
		ours.UriParams.Add("transport", strings.ToLower(h.transport))
	}
	req.AppendHeader(&gosip.ContactHeader{Address: ours})
	req.AppendHeader(gosip.NewHeader("Allow", allow))
	req.AppendHeader(gosip.NewHeader("User-Agent", "Callfloor"))
	req.SetBody(nil)
	req.SetTransport(network(h.transport))
	req.SetDestination(h.at.String())
	if h.transport == "UDP" {
		req.Laddr = s.udpAddr()
	}
	return req
}

// udpAddr is our UDP socket as sipgo's pool knows it.
func (s *Server) udpAddr() gosip.Addr {
	la := addrPort(s.conn.LocalAddr())
	ip := la.Addr()
	if u, ok := s.conn.LocalAddr().(*net.UDPAddr); ok && u.IP.Equal(net.IPv6unspecified) {
		ip = netip.IPv6Unspecified()
	}
	return gosip.Addr{IP: ip.AsSlice(), Port: int(la.Port())}
}

// exchangeAt is exchange with a place that there may be no connection to yet.
func (s *Server) exchangeAt(ctx context.Context, req *gosip.Request, h hop) (*gosip.Response, error) {
	if h.transport != wireUDP {
		if err := s.connect(ctx, h.transport, h.at, h.name); err != nil {
			return nil, err
		}
	}
	return s.exchange(ctx, req)
}

// exchange sends a request that is no INVITE and waits for its final response.
func (s *Server) exchange(ctx context.Context, req *gosip.Request) (*gosip.Response, error) {
	tx, err := s.begin(ctx, req)
	if err != nil {
		return nil, fmt.Errorf("send %s: %w", req.Method, err)
	}
	defer tx.Terminate()
	for {
		select {
		case res := <-tx.Responses():
			if !res.IsProvisional() {
				return res, nil
			}
		case <-tx.Done():
			return nil, fmt.Errorf("wait for the answer to %s: %w", req.Method, tx.Err())
		case <-ctx.Done():
			return nil, fmt.Errorf("wait for the answer to %s: %w", req.Method, context.Cause(ctx))
		}
	}
}
