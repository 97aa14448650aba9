// Package botstream is a call's line to a voice bot: two-way audio over a
// WebSocket in the message form of Twilio Media Streams (bidirectional streams),
// so that bots written for those work as they are.
//
// We are the client. To the bot go connected, start (with the custom
// parameters), media (base64 of PCMU, 8 kHz, 20 ms), dtmf, mark and stop; sequence
// numbers, chunks and timestamps are texts, as there. From the bot come media of
// any length, mark, which is sent back when everything before it has been
// heard, and clear, which cuts short what is still to be heard. Closing the
// connection ends the bot's part of the call. One message is our own:
//
//	{"event": "handover", "queue": "sales", "context": {"intent": "order", …}}
//
// ends it too and says to whom the call is handed and what the agent shall
// know.
//
// Nothing here can grow or block the call: of what the customer says the last
// second waits for a slow bot, the oldest goes first; of what the bot says two
// minutes wait to be heard; messages have a size; and a connection that takes or
// gives nothing for long is lost.
package botstream
