package web

import "callfloor/contact"

// MeView is the signed-in person.
type MeView struct {
	User   string             `json:"user"`
	Name   string             `json:"name"`
	Role   contact.Role       `json:"role"`
	State  contact.AgentState `json:"state"`
	Reason string             `json:"reason"`
	Since  string             `json:"since"`
	Next   contact.AgentState `json:"next"` // asked for during a call; "" if none
	// Hand: the agent asks for help (DoHand).
	Hand bool `json:"hand,omitempty"`
	// Ready: media is connected and the microphone works; else NotReady says
	// which is missing: connection, microphone, phone_elsewhere.
	Ready    bool     `json:"ready"`
	NotReady string   `json:"not_ready"`
	Queues   []string `json:"queues"`
	// Dispositions to choose from in wrap-up; Reasons of away.
	Dispositions []string `json:"dispositions"`
	AwayReasons  []string `json:"away_reasons"`
	// Dial are the lines that the person may call out from; none: no calls out.
	Dial []DialLine `json:"dial,omitempty"`
	// Telephone says that calls ring at the agent's registered SIP telephone,
	// which answers them; the page is the controls.
	Telephone bool `json:"telephone,omitempty"`
	// CallWaiting: a call that is meant for the agent rings beside another one.
	CallWaiting bool `json:"call_waiting,omitempty"`
	// CRM is where the CRM's page of a call opens: beside or window; "": there is
	// none.
	CRM string `json:"crm,omitempty"`
}
