// Package media moves packets: RTP sessions for phones, senders and receivers
// for every leg, the graph of sources and sinks that joins them, prompts and
// music as ready-made payloads, digits and quality figures. It knows packets
// and clocks and no business rule; nothing in it imports a higher room.
package media
