// Package web is the edge towards browsers: the seat socket (JSON over a
// WebSocket) and the peer connections (WebRTC: sound and pictures) of agents and
// supervisors. It turns both into a Seat, which the rest of the house fills
// with a document to show and connects to the media graph; it decides nothing
// about calls.
//
// A Seat belongs to a user, not to a socket: its document, its microphone
// (Mic), its three outgoing tracks (Track), its camera (Camera) and what it sees
// (View) stay the same objects while pages are reloaded, sockets are lost and
// peer connections are replaced.
//
// The wire messages are in protocol.go and protocol_*.go, with an example of each in
// testdata/protocol.
package web
