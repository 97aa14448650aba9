package web

import (
	"encoding/json"

	"callfloor/contact"
)

// The seat socket, /api/v1/seat: one WebSocket, one JSON object a text frame.
//
// The browser's first message is Hello. The server answers with Welcome and a
// Snapshot of the seat's document; after it come Changes, each with the next
// number. The document is flat: keys to values. A browser that reconnects with
// the epoch and the last number it applied gets the Changes it missed, or a
// new Snapshot.
//
// Keys of the document:
//
//	me               MeView
//	call             CallView, absent when there is none
//	other            CallView of the agent's other call: ringing beside the one in
//	                 front, on hold because of it, or to be wrapped up after it
//	agent/NAME       AgentView   (supervisors and administrators)
//	queue/ID         QueueView   (agents: their own queues)
//	floor/CONTACT    FloorCallView (supervisors and administrators)
//	listen           ListenView, absent when not listening
//	parked/CONTACT   ParkedView
//	alert/…          AlertView   (supervisors and administrators)
//	task/ID          TaskView    (its agent; supervisors and administrators)
//	echo             EchoView, once the network was tested
//	tags             TagsView
//
// Durations are seconds, times RFC 3339 with milliseconds; null or absent is
// "none". testdata/protocol/*.json holds an example of every message; Go and
// TypeScript tests both read them.

// The keys of an agent's calls.
const (
	KeyCall  = "call"
	KeyOther = "other"
)

// ProtocolVersion is sent in Welcome; a page made for another one reloads.
const ProtocolVersion = 1

// Message types, browser to server.
const (
	TypeHello     = "hello"
	TypeOffer     = "offer"     // WebRTC offer: SDP
	TypeCandidate = "candidate" // both ways
	TypeMedia     = "media"     // MediaReport: microphone and playback health
	TypeDo        = "do"        // Command; answered by Result with the same Req
	TypePing      = "ping"      // answered by pong; for the round trip shown
)

// Message types, server to browser.
const (
	TypeWelcome  = "welcome"
	TypeSnapshot = "snapshot"
	TypeChange   = "change"
	TypeAnswer   = "answer" // WebRTC answer: SDP
	TypeResult   = "result"
	TypePong     = "pong"
	// TypeTab tells a tab whether it is the phone.
	TypeTab = "tab"
	// TypeBye is the last message before the server closes: why, and whether
	// to come back.
	TypeBye = "bye"
)

// Hello is the browser's first message. Tab is random for the life of a tab
// (sessionStorage), so that a reload is the same tab and a second tab is not.
type Hello struct {
	Type  string `json:"type"`
	Token string `json:"token,omitempty"` // instead of the session cookie
	Tab   string `json:"tab"`
	Epoch string `json:"epoch,omitempty"` // resume: what Welcome said,
	Seq   uint64 `json:"seq,omitempty"`   // and the last number applied
	// TakeOver makes this tab the phone even if another one is.
	TakeOver bool `json:"take_over,omitempty"`
}

// Welcome follows an accepted Hello.
type Welcome struct {
	Type     string       `json:"type"`
	Protocol int          `json:"protocol"`
	Epoch    string       `json:"epoch"`
	User     string       `json:"user"`
	Role     contact.Role `json:"role"`
	Now      string       `json:"now"` // the server's clock, to show durations right
	// ICEServers go to RTCPeerConnection as they are; may be empty.
	ICEServers []ICEServer `json:"ice_servers"`
	// Tracks are the names of the audio transceivers in the order in which the
	// browser must add them: customer (sendrecv), third, coach (recvonly).
	Tracks []string `json:"tracks"`
	// Video are the names of the video transceivers, which follow those; absent:
	// none may be offered.
	Video []string `json:"video,omitempty"`
}

// ICEServer is one entry of RTCConfiguration.iceServers.
type ICEServer struct {
	URLs       []string `json:"urls"`
	Username   string   `json:"username,omitempty"`
	Credential string   `json:"credential,omitempty"`
}

// Tab says whether the tab that gets it is the phone. The other tabs see
// everything and can take over (Hello with TakeOver on the same socket again).
type Tab struct {
	Type  string `json:"type"`
	Phone bool   `json:"phone"`
}

// Snapshot is the whole document.
type Snapshot struct {
	Type string                     `json:"type"`
	Seq  uint64                     `json:"seq"`
	Doc  map[string]json.RawMessage `json:"doc"`
}

// Change sets Key to Value, or deletes it when Value is null.
type Change struct {
	Type  string          `json:"type"`
	Seq   uint64          `json:"seq"`
	Key   string          `json:"key"`
	Value json.RawMessage `json:"value"`
}

// SDP carries an offer or an answer.
type SDP struct {
	Type string `json:"type"` // TypeOffer or TypeAnswer
	SDP  string `json:"sdp"`
	// Peer counts the browser's peer connections; candidates carry it, so that
	// those of an old one are dropped.
	Peer int `json:"peer"`
}

// Candidate is one trickled ICE candidate (RTCIceCandidateInit); an empty
// string ends the gathering.
type Candidate struct {
	Type          string  `json:"type"`
	Peer          int     `json:"peer"`
	Candidate     string  `json:"candidate"`
	SDPMid        *string `json:"sdpMid,omitempty"`
	SDPMLineIndex *uint16 `json:"sdpMLineIndex,omitempty"`
}

// MediaReport is what the tab that is the phone says of its devices, at every
// change and every 5 s.
type MediaReport struct {
	Type string `json:"type"`
	// Microphone is ok, denied, missing, ended or silent.
	Microphone string `json:"microphone"`
	// Playback says that the page may play sound (autoplay is unlocked).
	Playback bool `json:"playback"`
}

// Command is what a person does. Req is echoed in Result.
type Command struct {
	Type string `json:"type"` // TypeDo
	Req  int    `json:"req"`
	Do   Verb   `json:"do"`

	Contact contact.ID      `json:"contact,omitempty"`
	Agent   contact.AgentID `json:"agent,omitempty"` // force
	// State and Reason go with Verb state: available, away, offline.
	State  contact.AgentState `json:"state,omitempty"`
	Reason string             `json:"reason,omitempty"`
	On     bool               `json:"on,omitempty"`    // hold, mute
	Digit  string             `json:"digit,omitempty"` // one of 0-9*#A-D
	// Disposition and Note go with wrapup_note and wrapup_done; Note also with
	// consult, transfer and park.
	Disposition string `json:"disposition,omitempty"`
	Note        string `json:"note,omitempty"`
	// Tags go with wrapup_note and wrapup_done too; without them those chosen
	// before stay.
	Tags contact.Tags `json:"tags,omitempty"`
	// To, Priority and Door: see DoConsult and the other verbs there.
	To       *Target `json:"to,omitempty"`
	Priority int     `json:"priority,omitempty"`
	Door     string  `json:"door,omitempty"`
	// Number and Line go with Verb dial.
	Number string `json:"number,omitempty"`
	Line   string `json:"line,omitempty"`
	// Headset goes with Verb headset.
	Headset *HeadsetReport `json:"headset,omitempty"`
	// Source goes with Verb video: camera or screen.
	Source string `json:"source,omitempty"`
}

// Verb is what a Command asks for.
type Verb string

// The verbs. Agents: state, answer, decline, hold, mute, digit, hangup,
// wrapup_extend, wrapup_note (saves without ending), wrapup_done, waiting (On:
// a call that is meant for the agent rings beside another one). With two calls
// Contact says which one is meant; notes can be those of the other one, all else
// is for the one in front. Supervisors:
// listen, whisper, barge (each also changes from one to another), unlisten,
// takeover (the call becomes theirs, and they have the agents' verbs for it),
// force (another agent's state).
const (
	DoState        Verb = "state"
	DoAnswer       Verb = "answer"
	DoDecline      Verb = "decline"
	DoHold         Verb = "hold"
	DoMute         Verb = "mute"
	DoDigit        Verb = "digit"
	DoHangup       Verb = "hangup"
	DoWrapUpExtend Verb = "wrapup_extend"
	DoWrapUpNote   Verb = "wrapup_note"
	DoWrapUpDone   Verb = "wrapup_done"
	DoWaiting      Verb = "waiting"
	DoListen       Verb = "listen"
	DoWhisper      Verb = "whisper"
	DoBarge        Verb = "barge"
	DoTakeOver     Verb = "takeover"
	DoUnlisten     Verb = "unlisten"
	DoForce        Verb = "force"
)

// Result answers a Command. Error is empty when it was done.
type Result struct {
	Type  string       `json:"type"`
	Req   int          `json:"req"`
	Code  contact.Code `json:"code,omitempty"`
	Error string       `json:"error,omitempty"`
}

// Ping and Pong measure the way to the server and back.
type Ping struct {
	Type string `json:"type"`
	ID   int    `json:"id"`
}

// Bye is the last message of a socket. Reconnect false means: stay away
// (signed out, another tab took over for good, wrong version).
type Bye struct {
	Type      string       `json:"type"`
	Code      contact.Code `json:"code"`
	Reason    string       `json:"reason"`
	Reconnect bool         `json:"reconnect"`
}

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

// Phase is where the seat's call stands.
type Phase string

// The phases of a seat's call.
const (
	PhaseRinging Phase = "ringing"
	PhaseTalking Phase = "talking"
	PhaseHold    Phase = "hold"
	PhaseWrapUp  Phase = "wrap_up"
)

// CallView is the seat's call, from ringing to the end of wrap-up.
type CallView struct {
	Contact contact.ID `json:"contact"`
	Phase   Phase      `json:"phase"`
	Since   string     `json:"since"` // of the phase
	Line    string     `json:"line"`
	From    string     `json:"from"` // masked
	// Caller is what else is known of who calls; absent if nothing.
	Caller *CallerView `json:"caller,omitempty"`
	Queue  string      `json:"queue"`
	Name   string      `json:"queue_name"`
	Waited float64     `json:"waited"`
	// Chosen is the path through the menu in the customer's words ("Sales").
	Chosen   []string `json:"chosen"`
	Language string   `json:"language"`
	// Reason says why this agent was chosen.
	Reason string `json:"reason"`
	// Outbound: we called the customer. Progress in PhaseDialling is "" (nothing
	// is heard of it yet), ringing, early (the carrier is heard) or answered (the
	// customer hears about recording).
	Outbound bool   `json:"outbound,omitempty"`
	Progress string `json:"progress,omitempty"`
	// Until is when the ringing or the wrap-up ends by itself.
	Until   *string         `json:"until"`
	Muted   bool            `json:"muted"`
	Consent contact.Consent `json:"consent"`
	// Recording is on, off, paused (until PausedUntil) or failed (RecordingWhy
	// says why).
	Recording    string  `json:"recording"`
	RecordingWhy string  `json:"recording_why"`
	PausedUntil  *string `json:"paused_until"`
	// Second is who is in the call beside its agent; on the seat of that one
	// Helps is true. Handover is what who had the call before wrote.
	Second   *SecondView   `json:"second"`
	Helps    bool          `json:"helps"`
	Handover *HandoverView `json:"handover"`
	// Codec is what the customer's leg speaks ("PCMU"); the browser's sender
	// switches to it.
	Codec string `json:"codec"`
	// Quality of the customer's leg while talking, Own of the agent's, both of
	// the last seconds; null before the first report.
	Quality *QualityView `json:"quality"`
	Own     *QualityView `json:"own"`
	// Coach is the supervisor who can be heard, or who took the call over;
	// null if nobody is, and for one who only listens.
	Coach *CoachView `json:"coach"`
	// Trouble is "", customer_silent, customer_no_audio, agent_silent or
	// agent_no_audio: why the two do not hear each other.
	Trouble string `json:"trouble"`
	// Ended says who ended it, in wrap-up.
	Ended       *contact.EndCause `json:"ended"`
	Answered    *string           `json:"answered"`
	Disposition string            `json:"disposition"`
	Note        string            `json:"note"`
	Tags        contact.Tags      `json:"tags,omitempty"`
	// Kind is "" for a call, callback (the customer is called when the agent has
	// answered; Answered is null until they are there) or voicemail; Task is
	// which one.
	Kind string `json:"kind,omitempty"`
	Task string `json:"task,omitempty"`
	// AutoAnswer: the page answers by itself, after a beep.
	AutoAnswer bool `json:"auto_answer,omitempty"`
	// Video is who shows what; absent where nobody else could see anything.
	Video *VideoView `json:"video,omitempty"`
	// CRM is the address of the CRM's page of this call.
	CRM string `json:"crm,omitempty"`
	Told
}

// TagsView are the groups of tags to choose from in wrap-up.
type TagsView struct {
	Groups []contact.TagGroup `json:"groups"`
}

// CoachView is a supervisor in an agent's call.
type CoachView struct {
	Name string `json:"name"`
	// Mode is whisper, barge, or in the wrap-up of the agent whose call it was
	// takeover, or handed: the agent gave it to Name ("" if nobody has it yet).
	Mode string `json:"mode"`
}

// QualityView is a leg's figures as a person sees them.
type QualityView struct {
	LossPercent float64  `json:"loss_percent"`
	JitterMS    float64  `json:"jitter_ms"`
	RTTMS       *float64 `json:"rtt_ms"`
	Score       float64  `json:"score"`
	// InPercent is lost on the way from the leg to the server, OutPercent on the
	// way there; null: the far end does not tell.
	InPercent  float64  `json:"in_percent"`
	OutPercent *float64 `json:"out_percent"`
}

// AgentView is one agent on the floor.
type AgentView struct {
	User    string             `json:"user"`
	Name    string             `json:"name"`
	State   contact.AgentState `json:"state"`
	Reason  string             `json:"reason"`
	Since   string             `json:"since"`
	Ready   bool               `json:"ready"`
	Contact contact.ID         `json:"contact"`
	Queue   string             `json:"queue"`
	Queues  []string           `json:"queues"`
	// Other is the agent's other call, in OtherState: offered, hold or wrap_up;
	// absent if there is none.
	Other      contact.ID         `json:"other,omitempty"`
	OtherState contact.AgentState `json:"other_state,omitempty"`
	// Headset is what the check of the headset found; null if there was none.
	Headset *HeadsetReport `json:"headset"`
}

// QueueView is one queue.
type QueueView struct {
	ID           string  `json:"id"`
	Name         string  `json:"name"`
	Waiting      int     `json:"waiting"`
	Tasks        int     `json:"tasks"` // callbacks and voicemails that wait
	LongestSince *string `json:"longest_since"`
	Available    int     `json:"available"`
	Staffed      int     `json:"staffed"`
	Talking      int     `json:"talking"`
	Answered     int     `json:"answered"`
	AnsweredIn   int     `json:"answered_in"` // within ServiceLevel seconds
	ServiceLevel float64 `json:"service_level"`
	Abandoned    int     `json:"abandoned"`
	Expected     float64 `json:"expected"`
	// Door is what a supervisor decided: open, closed, or "" by the hours.
	Door string `json:"door"`
}

// TaskView is something to be done after a call, until it is closed.
type TaskView struct {
	ID string `json:"id"`
	// Kind is callback, voicemail, after_call or promise.
	Kind string `json:"kind,omitempty"`
	// State is scheduled, queued, active or open.
	State string     `json:"state"`
	Queue string     `json:"queue"`
	Name  string     `json:"queue_name"`
	Agent string     `json:"agent"`
	From  string     `json:"from"` // masked
	Call  contact.ID `json:"call"` // that it came of
	// Recording is that of a voicemail, Length its seconds.
	Recording string  `json:"recording"`
	Length    float64 `json:"length"`
	Note      string  `json:"note"`
	Made      string  `json:"made"`
	Due       *string `json:"due"`
	Next      *string `json:"next"` // when the customer is called again
	Tries     int     `json:"tries"`
	// Reminded: the deadline is near or over.
	Reminded bool `json:"reminded"`
}

// AlertView is something that supervisors should look at. Kind is "missed" (an
// agent who does not answer), "surge" (a queue, until it is over), "promise"
// (an agent's deadlines are near or over), "callback" (a customer who could not
// be called back), "hand" (an agent asks for help) or "threshold" (Figure of the
// queue is over, or under, Limit; Severity is warn or bad).
type AlertView struct {
	Kind  string          `json:"kind"`
	Agent contact.AgentID `json:"agent"`
	Queue string          `json:"queue"`
	Text  string          `json:"text"`
	At    string          `json:"at"`

	Figure   string  `json:"figure,omitempty"`
	Over     bool    `json:"over,omitempty"`
	Limit    float64 `json:"limit,omitempty"`
	Severity string  `json:"severity,omitempty"`
}

// FloorCallView is one live call on the floor.
type FloorCallView struct {
	Contact contact.ID `json:"contact"`
	Line    string     `json:"line"`
	From    string     `json:"from"` // masked
	// Stage is flow, queue, ringing, parked, talking, hold or wrap_up.
	Stage   string          `json:"stage"`
	Started string          `json:"started"`
	Since   string          `json:"since"` // of the stage
	Queue   string          `json:"queue"`
	Agent   string          `json:"agent"`
	Consent contact.Consent `json:"consent"`
	// Second is who is in the call beside its agent.
	Second *SecondView `json:"second"`
	// Recording is on, off, paused or failed.
	Recording string       `json:"recording"`
	Quality   *QualityView `json:"quality"`
	// Listeners are the supervisors in the call, Coach the one of them who can
	// be heard, or null.
	Listeners []string   `json:"listeners"`
	Coach     *CoachView `json:"coach"`
	// Trouble is as in CallView.
	Trouble string `json:"trouble"`
	// Kind is as in CallView.
	Kind string `json:"kind,omitempty"`
}

// ListenView is what a supervisor listens to.
type ListenView struct {
	Contact contact.ID `json:"contact"`
	Mode    string     `json:"mode"`  // listen, whisper or barge
	Since   string     `json:"since"` // in this mode
	// Codec is what both parties speak, and what the browser sends if it is
	// heard; the tracks customer and third carry the customer and the agent.
	Codec string `json:"codec"`
}
