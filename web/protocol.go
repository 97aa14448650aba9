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
//	flow_call        FlowCallView, of the person's own call from the flow editor
//
// The messages are here, what a person does and the views in protocol_*.go.
// Durations are seconds, times RFC 3339 with milliseconds; null or absent is
// "none". testdata/protocol/*.json holds an example of every message; Go and
// TypeScript tests both read them.

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
	// Samples is how much of the customer's track was played over the present peer
	// connection, Concealed how much of that was invented, since no packet was there
	// in time; without the silence between calls. 0: the browser does not say.
	Samples   uint64 `json:"samples,omitempty"`
	Concealed uint64 `json:"concealed,omitempty"`
}

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
