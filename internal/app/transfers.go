package app

import (
	"context"
	"errors"
	"strings"
	"sync"
	"time"

	"callfloor/acd"
	"callfloor/call"
	"callfloor/contact"
	"callfloor/web"
)

// noteForNext is how long the note for the next agent may be, in octets.
const noteForNext = 1 << 10

// recentNumbers is how many numbers are kept for each agent's dial box.
const recentNumbers = 10

// transfers is what the house must know of calls that go from one to another,
// beside what the calls and the queue engine know.
type transfers struct {
	cfg  call.Config
	ctx  context.Context // ends what rings outside
	stop context.CancelFunc
	work sync.WaitGroup // goroutines that ring outside

	mu     sync.Mutex // guards the rest
	slots  map[int]contact.ID
	dials  map[contact.ID]context.CancelFunc
	recent map[string][]string // numbers by user, the newest first
}

func newTransfers(cfg call.Config) *transfers {
	t := &transfers{cfg: cfg, slots: map[int]contact.ID{}, dials: map[contact.ID]context.CancelFunc{}, recent: map[string][]string{}}
	t.ctx, t.stop = context.WithCancel(context.Background())
	return t
}

// close gives up what rings outside and waits for it.
func (t *transfers) close() {
	t.stop()
	t.work.Wait()
}

// park finds a parking place for a call.
func (t *transfers) park(id contact.ID) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for slot := 1; slot <= t.cfg.Slots; slot++ {
		if _, taken := t.slots[slot]; !taken {
			t.slots[slot] = id
			return slot, nil
		}
	}
	return 0, contact.Errorf(contact.Busy, "all %d parking places are taken", t.cfg.Slots)
}

// unpark frees a call's parking place, if it has one.
func (t *transfers) unpark(id contact.ID) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for slot, c := range t.slots {
		if c == id {
			delete(t.slots, slot)
		}
	}
}

// parking says where a call is parked; nil if nowhere.
func (t *transfers) parking(id contact.ID, by contact.AgentID, now time.Time) *call.Parking {
	t.mu.Lock()
	defer t.mu.Unlock()
	for slot, c := range t.slots {
		if c == id {
			return &call.Parking{Slot: slot, By: by, Since: now, Until: now.Add(t.cfg.ParkFor)}
		}
	}
	return nil
}

// dial runs place, which rings outside for a call, until it is done, given up
// by cancel, or the call is gone.
func (t *transfers) dial(id contact.ID, user, number string, place func(context.Context)) {
	ctx, cancel := context.WithCancel(t.ctx)
	t.mu.Lock()
	if old := t.dials[id]; old != nil {
		old()
	}
	t.dials[id] = cancel
	list := []string{number}
	for _, n := range t.recent[user] {
		if n != number && len(list) < recentNumbers {
			list = append(list, n)
		}
	}
	t.recent[user] = list
	t.mu.Unlock()
	t.work.Go(func() {
		defer cancel()
		place(ctx)
	})
}

// cancel gives up what rings outside for a call; false if nothing does.
func (t *transfers) cancel(id contact.ID) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	stop, ok := t.dials[id]
	delete(t.dials, id)
	if ok {
		stop()
	}
	return ok
}

// answered says that nothing rings outside any more for a call.
func (t *transfers) answered(id contact.ID) {
	t.mu.Lock()
	defer t.mu.Unlock()
	delete(t.dials, id)
}

// gone forgets a call that is over.
func (t *transfers) gone(id contact.ID) {
	t.cancel(id)
	t.unpark(id)
}

// handOn carries out what an agent does with a call beside talking.
func (h *House) handOn(s *web.Seat, cmd web.Command) error {
	user := contact.AgentID(s.User())
	if len(cmd.Note) > noteForNext {
		return contact.Errorf(contact.Invalid, "a note for the next one can have %d characters at most", noteForNext)
	}
	if cmd.Do == web.DoPickUp {
		if err := h.oneEar(user); err != nil {
			return err
		}
		return h.engine.Do(acd.PickedUp{Contact: cmd.Contact, Agent: user})
	}
	c, err := h.inFront(s.User(), cmd.Contact)
	if err != nil {
		return err
	}
	switch cmd.Do {
	case web.DoConsult:
		return h.consult(c, s.User(), cmd)
	case web.DoTransfer:
		if cmd.To == nil {
			return h.complete(c, user)
		}
		return h.transfer(c, s.User(), cmd)
	case web.DoSwap:
		return h.swap(c, user)
	case web.DoMerge:
		return c.Merge(s.User())
	case web.DoDrop:
		return h.drop(c, user)
	case web.DoPark:
		return h.park(c, user, cmd.Note)
	default:
		if cmd.On {
			return c.PauseRecording(s.User(), h.transfers.cfg.PauseFor)
		}
		return c.ResumeRecording(s.User())
	}
}

// allowed says whether a call may go there.
func (t *transfers) allowed(to *web.Target, kinds ...web.TargetKind) error {
	if to == nil || to.ID == "" {
		return contact.Errorf(contact.Invalid, "say where to")
	}
	ok := false
	switch to.Kind {
	case web.TargetAgent:
		ok = t.cfg.AllowsAgent(to.ID)
	case web.TargetQueue:
		ok = t.cfg.AllowsQueue(contact.QueueID(to.ID))
	case web.TargetNumber:
		if ok = t.cfg.Numbers; ok && !strings.ContainsAny(to.ID, "0123456789") {
			return contact.Errorf(contact.Invalid, "%q is not a number", to.ID)
		}
	default:
		return contact.Errorf(contact.Invalid, "a call goes to an agent, a queue or a number, not to a %q", to.Kind)
	}
	for _, k := range kinds {
		if k == to.Kind {
			if !ok {
				return contact.Errorf(contact.Forbidden, "calls may not be handed to %s; transfers in the configuration says so", to.ID)
			}
			return nil
		}
	}
	return contact.Errorf(contact.Invalid, "this cannot be done with a %s", to.Kind)
}

// consult asks an agent or a number outside to come in.
func (h *House) consult(c *call.Call, user string, cmd web.Command) error {
	if err := h.transfers.allowed(cmd.To, web.TargetAgent, web.TargetNumber); err != nil {
		return err
	}
	if err := h.oneLine(user); err != nil {
		return err
	}
	if cmd.To.Kind == web.TargetNumber {
		return h.consultOutside(c, user, cmd)
	}
	// The engine first: it alone knows who can be rung. It rings when run comes
	// to it, after this.
	who := contact.AgentID(cmd.To.ID)
	if err := h.engine.Do(acd.Asked{Contact: c.ID, From: contact.AgentID(user), Agent: who}); err != nil {
		return err
	}
	if err := c.Asking(user, call.Ask{User: who, Name: h.personName(cmd.To.ID), Note: cmd.Note}); err != nil {
		h.tell(acd.AskCancelled{Contact: c.ID, From: contact.AgentID(user)})
		return err
	}
	if st, _ := h.engine.Agent(who); !has(st, c.ID) { // refused already
		c.AskFailed(who, "declined", false)
	}
	return nil
}

// personName is what a person is called.
func (h *House) personName(user string) string {
	if h.seatOf != nil {
		if s, ok := h.seatOf(user); ok {
			return s.Identity().Name
		}
	}
	return user
}

// outsideOf is a call out on behalf of c.
func outsideOf(c *call.Call, user, number string) Outside {
	return Outside{To: number, Line: c.Line, Purpose: PurposeTransfer, By: user, Call: c.ID, Inbound: true}
}

// ringOutside is transfers.dial for a call that may end at any moment.
func (h *House) ringOutside(c *call.Call, user, number string, place func(context.Context)) {
	h.transfers.dial(c.ID, user, number, place)
	if _, live := h.call(c.ID); !live { // remove may have been here before it
		h.transfers.cancel(c.ID)
	}
}

// consultOutside rings a number beside the command: it may take a minute.
func (h *House) consultOutside(c *call.Call, user string, cmd web.Command) error {
	name := contact.Mask(cmd.To.ID)
	if err := c.Asking(user, call.Ask{Name: name, Note: cmd.Note}); err != nil {
		return err
	}
	h.ringOutside(c, user, cmd.To.ID, func(ctx context.Context) {
		leg, err := h.PlaceOutside(ctx, outsideOf(c, user, cmd.To.ID))
		if err == nil {
			h.transfers.answered(c.ID)
			if err = c.ConsultPhone(user, leg, name); err != nil {
				leg.Hangup(contact.EndCause{By: contact.System, Class: contact.EndCompleted, Q850: 16, Why: "nobody wants it any more"})
			}
		}
		if err != nil {
			h.log.Info("a number outside did not come into a call", "call", c.ID, "code", contact.ErrorCode(err))
			c.AskFailed("", contact.ErrorMessage(err), ctx.Err() != nil)
		}
	})
	return nil
}

// complete gives the call to the second one.
func (h *House) complete(c *call.Call, user contact.AgentID) error {
	return c.Transfer(string(user), func(to contact.AgentID) error {
		if to == "" {
			return h.engine.Do(acd.ContactReleased{Contact: c.ID, Agent: user})
		}
		return h.engine.Do(acd.HandedOver{Contact: c.ID, From: user, Agent: to})
	})
}

// transfer gives the call away without talking to who gets it.
func (h *House) transfer(c *call.Call, user string, cmd web.Command) error {
	if err := h.transfers.allowed(cmd.To, web.TargetAgent, web.TargetQueue, web.TargetNumber); err != nil {
		return err
	}
	if err := c.SetHandover(user, "transfer", cmd.Note); err != nil {
		return err
	}
	h.transfers.cancel(c.ID) // of a consultation that still rings
	from := contact.AgentID(user)
	ev := acd.Transferred{Contact: c.ID, From: from}
	switch cmd.To.Kind {
	case web.TargetAgent:
		ev.Agent = contact.AgentID(cmd.To.ID)
	case web.TargetQueue:
		ev.Queue = contact.QueueID(cmd.To.ID)
	}
	err := c.GiveAway(user, nil, func() error { return h.engine.Do(ev) })
	if err != nil || cmd.To.Kind != web.TargetNumber {
		return err
	}
	h.ringOutside(c, user, cmd.To.ID, func(ctx context.Context) {
		req := outsideOf(c, user, cmd.To.ID)
		req.HandOn = c.Leg
		leg, err := h.PlaceOutside(ctx, req)
		h.transfers.answered(c.ID)
		if errors.Is(err, errHandedOn) {
			c.Note(contact.KindConsult, contact.LegID(contact.Customer), "the customer's trunk handed the call to a number outside", map[string]any{"mode": "refer", "agent": nil})
			h.tell(acd.ContactLeft{Contact: c.ID})
			return
		}
		if err == nil {
			if err = c.Outside(leg, contact.Mask(cmd.To.ID)); err == nil {
				h.tell(acd.ContactLeft{Contact: c.ID})
				return
			}
			leg.Hangup(contact.EndCause{By: contact.System, Class: contact.EndCompleted, Q850: 16, Why: "the customer is gone"})
		}
		why := contact.ErrorMessage(err)
		c.Note(contact.KindConsult, "", "nobody outside took the call: "+why, map[string]any{"mode": "failed", "agent": nil})
		h.tell(acd.CameBack{Contact: c.ID, Why: why})
	})
	return nil
}

// drop takes the second one out, or asks no longer; either of the two may.
func (h *House) drop(c *call.Call, user contact.AgentID) error {
	second := c.Second()
	switch {
	case second == nil:
		return contact.Errorf(contact.Conflict, "there is no second one in your call")
	case second.State == call.SecondFailed:
		return c.ForgetAsk(string(user))
	case second.User == "" && second.State == call.SecondRinging:
		h.transfers.cancel(c.ID)
		return nil
	case second.User == user:
		return c.EndConsult(string(user))
	case second.User == "":
		return c.EndConsult(string(user))
	}
	return h.engine.Do(acd.AskCancelled{Contact: c.ID, From: user})
}

// park leaves the call in a parking place.
func (h *House) park(c *call.Call, user contact.AgentID, note string) error {
	if _, err := h.transfers.park(c.ID); err != nil {
		return err
	}
	err := c.SetHandover(string(user), "transfer", note)
	if err == nil {
		err = c.GiveAway(string(user), h.transfers.parking(c.ID, user, time.Now()), func() error {
			return h.engine.Do(acd.Parked{Contact: c.ID, From: user, For: h.transfers.cfg.ParkFor})
		})
	}
	if err != nil {
		h.transfers.unpark(c.ID)
	}
	return err
}
