// Package sip is the edge to phones and carriers: it binds the SIP port on UDP
// and TCP, keeps dialogs, negotiates audio, and hands every call to its user
// as a Leg. It decides nothing about a call; who answers, when and what is
// heard is the user's business.
//
// Transport and transactions are sipgo's; dialogs are ours, since sipgo has no
// offer/answer, no session timers and does not keep a dialog on its flow. One
// guard stands around every handler. SDP is in sip/sdp.
//
// A leg's life (RFC 3261 §12, §13, §15):
//
//	new ──► ringing ──► answered ──► confirmed ──► ended
//	  │        │           │ (ACK)                   ▲
//	  └────────┴───────────┴─────────────────────────┘
//
// An outbound leg goes from new or ringing to confirmed.
package sip
