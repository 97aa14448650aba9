// Package media moves packets: RTP sessions for phones, senders and receivers
// for every leg, the graph of sources and sinks that joins them, prompts and
// music as ready-made payloads, digits and quality figures. It knows packets
// and clocks and no business rule; nothing in it imports a higher room.
//
//	socket ──► Session: latch ──► Receiver ──► Source ──┬──► Sender ──► Session: socket
//	                                 │                  ├──► Sender ──► a browser's track
//	                                 └── digits         └──► recorder, Transcoder, …
//	several Sources ──► Mixer ──► Source ──► the Sender of a phone that hears them all
//	Clip ──► Player ──► Source ──► …           Pacer: the clock of players, fillers, digits, mixers
//
// What holds everywhere:
//
//   - Packets are forwarded, never decoded, never queued, nothing allocated.
//     What must be decoded (a Transcoder between two codecs, a mixer's talkers)
//     goes through a jitter buffer of its own (playout) and nothing else does.
//   - A Receiver emits one packet for each number that came, without payload
//     where there is nothing to hear. So a Sender can close its numbering over
//     what is no audio and leave real losses visible.
//   - A Sender sends what it was told to hear and nothing else, in one
//     numbering, on one clock (timeline), whatever is heard in turn.
//   - Digits leave a Receiver by OnDigit only; no sink, no log gets them.
//   - Strangers are counted and neither heard nor answered (latch).
//   - Decisions are pure and take the time as an argument (latch, timeline,
//     silenceWatch, streamStats, playout, Assembler, dtmf.Receiver); sockets, locks and
//     goroutines are thin around them.
package media
