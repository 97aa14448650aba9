// Package seatclient is a seat without a browser: it speaks the seat socket and
// WebRTC as the browser app does. The phone command, load and tests use it.
//
// A Client keeps its document and its media objects while sockets and peer
// connections are lost and made again.
package seatclient
