package app

import (
	"slices"

	"callfloor/call"
	"callfloor/contact"
	"callfloor/media"
	"callfloor/web"
)

var _ call.Pictures = (*web.Seat)(nil)
var _ call.Pictures = (*seatLeg)(nil)

// CanSee implements call.Pictures.
func (l *seatLeg) CanSee() bool { return l.seat.CanSee() }

// Camera implements call.Pictures.
func (l *seatLeg) Camera() *media.Camera { return l.seat.Camera() }

// View implements call.Pictures.
func (l *seatLeg) View(track string) *media.View { return l.seat.View(track) }

// video carries out the command of the same name: an agent shows something in
// their call, or the person who calls from the flow editor in theirs.
func (h *House) video(s *web.Seat, cmd web.Command) error {
	source, why := "", ""
	if cmd.On {
		source = cmd.Source
	} else if cmd.Reason == web.ReasonNetwork {
		why = call.ReasonNetwork
	}
	for _, c := range h.live() {
		if l, ok := c.Leg.(*seatLeg); ok && l.seat == s {
			return c.CustomerVideo(source, why)
		}
	}
	c, err := h.inFront(s.User(), cmd.Contact)
	if err != nil {
		return err
	}
	return c.Video(s.User(), source, why)
}

// videoView is what a seat is told of who shows what; user is "" for the
// customer. nil where nobody else could see anything.
func videoView(screens []call.Screen, user contact.AgentID, name func(string) string) *web.VideoView {
	i := slices.IndexFunc(screens, func(s call.Screen) bool { return s.User == user })
	if i < 0 {
		return nil
	}
	called := func(u contact.AgentID) string {
		if u == "" {
			return ""
		}
		return name(string(u))
	}
	own := screens[i]
	v := &web.VideoView{Codec: "VP8", Own: own.Source, State: own.State, SeenBy: []string{}, Shown: []web.ShownView{}}
	for _, u := range own.SeenBy {
		v.SeenBy = append(v.SeenBy, called(u))
	}
	for _, s := range own.Seen {
		v.Shown = append(v.Shown, web.ShownView{Track: s.Track, User: string(s.User), Name: called(s.User), Source: s.Source, State: s.State, Weak: s.Weak})
	}
	return v
}

// showVideo keeps what the page of a call from the flow editor sees of pictures.
func (f *flowCalls) showVideo(one *flowCall, screens []call.Screen) {
	v := videoView(screens, "", func(user string) string {
		if s, ok := f.app.seats.Seat(user); ok {
			return s.Identity().Name
		}
		return user
	})
	f.mu.Lock()
	same := v == nil && one.view.Video == nil
	f.mu.Unlock()
	if !same {
		f.show(one, func(view *web.FlowCallView) { view.Video = v })
	}
}
