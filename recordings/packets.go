package recordings

import (
	"encoding/binary"
	"errors"
	"time"

	"callfloor/contact"
	"callfloor/media"
	"callfloor/media/codec"
)

// The body of a proof or packets entry is packet records, one after the other:
//
//	 0 1  track: 1 customer, 2 agent
//	 1 1  codec: 1 PCMU, 2 PCMA, 3 G722, 4 opus (these numbers never change)
//	 2 1  flags: bit 0 the RTP marker
//	 3 4  SSRC
//	 7 2  sequence number
//	 9 4  RTP timestamp
//	13 8  arrival, nanoseconds from the agent's answer; negative before it
//	21 2  length of the payload
//	23 …  payload
const (
	recordFixed = 23
	// maxPayload is more than any audio packet on an Ethernet has; a longer one
	// is not recorded and counted as dropped.
	maxPayload = 2048
	flagMarker = 1
)

// track numbers; tracks is their number and one more.
const (
	trackCustomer   = 1
	trackAgent      = 2
	trackSupervisor = 3 // one who barged in; coaches are on no track
	trackSecond     = 4 // another agent in a conference
	tracks          = 5
)

var errRecord = errors.New("its packet records are not whole")

func trackOf(p contact.Party) byte {
	switch p {
	case contact.Customer:
		return trackCustomer
	case contact.Agent:
		return trackAgent
	case contact.Supervisor:
		return trackSupervisor
	default:
		return 0
	}
}

func partyOf(track byte) contact.Party {
	switch track {
	case trackCustomer:
		return contact.Customer
	case trackSupervisor:
		return contact.Supervisor
	default:
		return contact.Agent
	}
}

func diskCodec(c codec.ID) byte {
	switch c {
	case codec.PCMU:
		return 1
	case codec.PCMA:
		return 2
	case codec.G722:
		return 3
	case codec.Opus:
		return 4
	default:
		return 0
	}
}

func codecOf(b byte) codec.ID {
	switch b {
	case 1:
		return codec.PCMU
	case 2:
		return codec.PCMA
	case 3:
		return codec.G722
	case 4:
		return codec.Opus
	default:
		return codec.None
	}
}

// recordHead is the fixed part of a packet record.
type recordHead [recordFixed]byte

// encodeHead lays out p's record, without its payload.
func encodeHead(track byte, p *media.Packet, offset time.Duration) (h recordHead) {
	h[0], h[1] = track, diskCodec(p.Codec)
	if p.Marker {
		h[2] = flagMarker
	}
	binary.BigEndian.PutUint32(h[3:], p.SSRC)
	binary.BigEndian.PutUint16(h[7:], p.Seq)
	binary.BigEndian.PutUint32(h[9:], p.Timestamp)
	binary.BigEndian.PutUint64(h[13:], uint64(offset))
	binary.BigEndian.PutUint16(h[21:], uint16(len(p.Payload)))
	return h
}

// record is one packet of a capture. Its payload is borrowed from the entry.
type record struct {
	track  byte
	offset time.Duration
	packet media.Packet
}

// nextRecord cuts the first record off b.
func nextRecord(b []byte) (record, []byte, error) {
	if len(b) < recordFixed {
		return record{}, nil, errRecord
	}
	n := int(binary.BigEndian.Uint16(b[21:]))
	r := record{
		track:  b[0],
		offset: time.Duration(binary.BigEndian.Uint64(b[13:])),
		packet: media.Packet{
			Codec:     codecOf(b[1]),
			Marker:    b[2]&flagMarker != 0,
			SSRC:      binary.BigEndian.Uint32(b[3:]),
			Seq:       binary.BigEndian.Uint16(b[7:]),
			Timestamp: binary.BigEndian.Uint32(b[9:]),
		},
	}
	if n > maxPayload || len(b) < recordFixed+n || r.track == 0 || r.track >= tracks || r.packet.Codec == codec.None {
		return record{}, nil, errRecord
	}
	r.packet.Payload = b[recordFixed : recordFixed+n]
	return r, b[recordFixed+n:], nil
}

// length is how much sound the packet holds.
func (r record) length() time.Duration {
	c := r.packet.Codec
	return time.Duration(codec.Duration(c, r.packet.Payload)) * time.Second / time.Duration(c.ClockRate())
}
