package sdp

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"callfloor/media/codec"
)

// The payload types of our offers for what has no fixed one; in answers they are
// the offerer's.
const (
	EventsPayloadType     = 101 // telephone-event/8000
	eventsWidePayloadType = 110 // telephone-event/48000
	opusPayloadType       = 111
)

// format is one audio format of an m= line.
type format struct {
	pt   uint8
	id   codec.ID
	rate int // RTP clock in Hz
}

// formats resolves the m= line's formats by rtpmap, or by the static table of
// RFC 3551 §6.
func (m *Media) formats() []format {
	var out []format
	for _, f := range m.Formats {
		pt, err := strconv.ParseUint(f, 10, 7)
		if err != nil {
			continue
		}
		if id, rate := m.resolve(f, uint8(pt)); id != codec.None {
			out = append(out, format{uint8(pt), id, rate})
		}
	}
	return out
}

func (m *Media) resolve(f string, pt uint8) (codec.ID, int) {
	enc, ok := m.maps[f]
	if !ok {
		for _, id := range []codec.ID{codec.PCMU, codec.PCMA, codec.G722} {
			if known, _ := payloadType(id); known == pt {
				return id, id.ClockRate()
			}
		}
		return codec.None, 0
	}
	part := strings.Split(enc, "/")
	id := codec.Parse(strings.TrimSpace(part[0]))
	if len(part) < 2 || id == codec.None {
		return codec.None, 0
	}
	rate, err := strconv.Atoi(strings.TrimSpace(part[1]))
	switch {
	case err != nil || rate <= 0 || rate > 192000:
		return codec.None, 0
	case rate != id.ClockRate() && id != codec.TelephoneEvent:
		return codec.None, 0
	case len(part) > 2 && id != codec.Opus && strings.TrimSpace(part[2]) != "1":
		return codec.None, 0 // stereo G.711: not ours
	}
	return id, rate
}

// pick chooses the codec: the first of theirs that we take, since the order of
// an offer is its preference (RFC 3264 §6.1); with OwnOrder the first of ours
// that they have.
func pick(theirs []format, l Local) (format, bool) {
	if !l.OwnOrder {
		i := slices.IndexFunc(theirs, func(f format) bool { return f.id.Audio() && slices.Contains(l.Codecs, f.id) })
		if i < 0 {
			return format{}, false
		}
		return theirs[i], true
	}
	for _, id := range l.Codecs {
		if i := slices.IndexFunc(theirs, func(f format) bool { return f.id == id }); i >= 0 && id.Audio() {
			return theirs[i], true
		}
	}
	return format{}, false
}

// eventsAt finds telephone-event at the clock rate of the audio: one at another
// rate would be a second clock in one stream (RFC 4733 §2.1), which browsers and
// phones get wrong. Without it keys go in the sound.
func eventsAt(theirs []format, rate int) (format, bool) {
	i := slices.IndexFunc(theirs, func(f format) bool { return f.id == codec.TelephoneEvent && f.rate == rate })
	if i < 0 {
		return format{}, false
	}
	return theirs[i], true
}

// formats are those of an answer.
func (a Agreed) formats() []format {
	fs := []format{{a.PayloadType, a.Codec, a.Codec.ClockRate()}}
	if a.Events != 0 {
		fs = append(fs, format{a.Events, codec.TelephoneEvent, a.EventsRate})
	}
	return fs
}

// offered are the formats of an offer of codecs, with telephone-event at each of
// their clock rates.
func offered(codecs []codec.ID) []format {
	var fs []format
	var narrow, wide bool
	for _, id := range codecs {
		if pt, ok := payloadType(id); ok {
			fs = append(fs, format{pt, id, id.ClockRate()})
			narrow, wide = narrow || id != codec.Opus, wide || id == codec.Opus
		}
	}
	if narrow {
		fs = append(fs, format{EventsPayloadType, codec.TelephoneEvent, codec.PCMU.ClockRate()})
	}
	if wide {
		fs = append(fs, format{eventsWidePayloadType, codec.TelephoneEvent, codec.Opus.ClockRate()})
	}
	return fs
}

// payloadType is what our offers call a codec.
func payloadType(id codec.ID) (uint8, bool) {
	switch id {
	case codec.PCMU:
		return 0, true
	case codec.PCMA:
		return 8, true
	case codec.G722:
		return 9, true
	case codec.Opus:
		return opusPayloadType, true
	}
	return 0, false
}

// write writes the attributes of a format.
func (f format) write(b *strings.Builder) {
	switch f.id {
	case codec.Opus: // always two channels in the name (RFC 7587 §7)
		fmt.Fprintf(b, "a=rtpmap:%d opus/48000/2\r\na=fmtp:%d minptime=10;useinbandfec=1\r\n", f.pt, f.pt)
	case codec.TelephoneEvent:
		fmt.Fprintf(b, "a=rtpmap:%d telephone-event/%d\r\na=fmtp:%d 0-15\r\n", f.pt, f.rate, f.pt)
	default:
		fmt.Fprintf(b, "a=rtpmap:%d %s/%d\r\n", f.pt, f.id, f.rate)
	}
}
