package call

import (
	"slices"

	"callfloor/contact"
	"callfloor/media"
)

// Pictures is an end of a call, a Seat or a Leg, that can show something and be
// shown something. Its camera and views outlive the browser's connections.
type Pictures interface {
	// CanSee says whether it takes pictures now.
	CanSee() bool
	// Camera is what it shows.
	Camera() *media.Camera
	// View is what it sees on the track customer or third.
	View(track string) *media.View
}

// What is shown.
const (
	ShowsCamera = "camera"
	ShowsScreen = "screen"
)

// The states of what is shown.
const (
	VideoOn   = "on"
	VideoHeld = "held" // on hold, or else nobody's to see
	VideoWeak = "weak" // a network cannot carry it
)

// Whose network is too weak, as the one who looks sees it.
const (
	WeakTheirs = "theirs"
	WeakOurs   = "ours"
)

// Screen is what one end of a call shows and sees. The customer has no User.
type Screen struct {
	User   contact.AgentID
	Source string // what it shows: ShowsCamera, ShowsScreen or ""
	State  string // of it; "" when it shows nothing
	SeenBy []contact.AgentID
	Seen   []Seen
}

// Seen is what another end shows to one, also while it is held back.
type Seen struct {
	Track  string
	User   contact.AgentID
	Source string
	State  string
	Weak   string // whose network it is, when State is VideoWeak
}

func (s Screen) equal(o Screen) bool {
	return s.User == o.User && s.Source == o.Source && s.State == o.State && slices.Equal(s.SeenBy, o.SeenBy) && slices.Equal(s.Seen, o.Seen)
}

// shows is what an end shows, and what its network has said to that.
type shows struct {
	source string // "": nothing
	weak   bool   // its network cannot bring it to us
	// blind are those whose pictures its network cannot bring to it.
	blind voices
}

// picture is one end of a call with its pictures.
type picture struct {
	voice voices
	user  contact.AgentID
	leg   contact.LegID
	at    Pictures
	shows *shows
	// sees are those whose pictures the row of who hears whom gives to it.
	sees voices
}

// pictures are the ends of the call that have a way for pictures; none where
// only one has. What they may see is what they hear, but for what is played and
// for supervisors, who are not seen and do not look; who is muted is still seen.
func (c *Call) pictures() []picture {
	row := hearing{}
	if c.flowPlayer != nil {
		row = matrix[c.mode][Listen]
	}
	var all []picture
	add := func(at any, v voices, user string, leg contact.LegID, s *shows, sees voices) {
		if p, ok := at.(Pictures); ok {
			all = append(all, picture{v, contact.AgentID(user), leg, p, s, sees &^ v & (customer | theAgent | second)})
		}
	}
	add(c.Leg, customer, "", legCustomer, &c.shows, row.customer)
	if c.agent != nil && !c.agent.aside {
		add(c.agent.seat, theAgent, c.agent.user(), c.agent.leg, &c.agent.shows, row.agent)
	}
	if c.second != nil && !c.second.aside {
		add(c.second.seat, second, c.second.user(), c.second.leg, &c.second.shows, row.second)
	}
	if len(all) < 2 {
		return nil
	}
	return all
}

// track is on which of its tracks an end sees another.
func (p picture) track(other voices) string {
	if other == customer || p.voice == customer && other == theAgent {
		return trackCustomer
	}
	return trackThird
}

// state says what becomes of other's pictures on their way to p.
func (p picture) state(other picture) (state, weak string) {
	switch {
	case other.shows.weak:
		return VideoWeak, WeakTheirs
	case p.shows.blind&other.voice != 0:
		return VideoWeak, WeakOurs
	case p.sees&other.voice == 0:
		return VideoHeld, ""
	default:
		return VideoOn, ""
	}
}

// applyPictures switches every view to the present row.
func (c *Call) applyPictures() {
	all := c.pictures()
	if all == nil {
		c.hidePictures()
		return
	}
	for _, p := range all {
		views := map[string]*media.Camera{trackCustomer: nil, trackThird: nil}
		for _, other := range all {
			if other.voice == p.voice || other.shows.source == "" {
				continue
			}
			if state, _ := p.state(other); state == VideoOn {
				views[p.track(other.voice)] = other.at.Camera()
			}
		}
		for track, camera := range views {
			p.at.View(track).Show(camera)
		}
	}
	c.pictured = true
	c.showPictures(all)
}

// hidePictures clears every view when nobody is left to look at, and ends what
// is shown, lest it be shown to the next one who comes; calls without pictures,
// which are nearly all, never come further than its first line.
func (c *Call) hidePictures() {
	if !c.pictured {
		return
	}
	c.pictured = false
	hide(c.Leg)
	c.shows = shows{}
	for _, a := range []*agent{c.agent, c.second} {
		if a != nil && !a.aside { // else what they see is another call's
			hide(a.seat)
			a.shows = shows{}
		}
	}
	c.view.Screens = nil
}

// hide shows nothing to an end any more.
func hide(at any) {
	if p, ok := at.(Pictures); ok {
		p.View(trackCustomer).Show(nil)
		p.View(trackThird).Show(nil)
	}
}

// showPictures puts who shows what into the snapshot; true if it is new.
func (c *Call) showPictures(all []picture) bool {
	var screens []Screen
	for _, p := range all {
		s := Screen{User: p.user, Source: p.shows.source}
		others := false
		for _, other := range all {
			if other.voice == p.voice {
				continue
			}
			others = others || other.at.CanSee()
			if other.shows.source != "" {
				state, weak := p.state(other)
				s.Seen = append(s.Seen, Seen{p.track(other.voice), other.user, other.shows.source, state, weak})
			}
			if state, _ := other.state(p); s.Source != "" && state == VideoOn && other.at.CanSee() {
				s.SeenBy = append(s.SeenBy, other.user)
			}
		}
		if p.at.CanSee() && others {
			s.State = p.ownState(s, all)
			screens = append(screens, s)
		}
	}
	if slices.EqualFunc(screens, c.view.Screens, Screen.equal) {
		return false
	}
	c.view.Screens = screens
	return true
}

// ownState is how what p shows fares: on if anybody gets it, weak if a network is
// why nobody does.
func (p picture) ownState(s Screen, all []picture) string {
	if s.Source == "" {
		return ""
	}
	if len(s.SeenBy) > 0 {
		return VideoOn
	}
	for _, other := range all {
		if other.voice == p.voice {
			continue
		}
		if state, _ := other.state(p); state == VideoWeak {
			return VideoWeak
		}
	}
	return VideoHeld
}
