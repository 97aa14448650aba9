package sdp

import (
	"strings"
	"testing"

	"callfloor/media/codec"
)

// What we answer to each direction, for each direction that we want (RFC 3264 §6.1,
// RFC 6337 §5.3): a side that holds goes on to hold, and nobody gets more than was
// offered.
func TestAnswerKeepsOurHold(t *testing.T) {
	want := map[Direction]map[Direction]Direction{
		"":       {SendRecv: SendRecv, SendOnly: RecvOnly, RecvOnly: SendOnly, Inactive: Inactive},
		SendRecv: {SendRecv: SendRecv, SendOnly: RecvOnly, RecvOnly: SendOnly, Inactive: Inactive},
		SendOnly: {SendRecv: SendOnly, SendOnly: Inactive, RecvOnly: SendOnly, Inactive: Inactive},
		RecvOnly: {SendRecv: RecvOnly, SendOnly: RecvOnly, RecvOnly: Inactive, Inactive: Inactive},
		Inactive: {SendRecv: Inactive, SendOnly: Inactive, RecvOnly: Inactive, Inactive: Inactive},
	}
	for ours, row := range want {
		for offered, answered := range row {
			offer, err := Parse([]byte("v=0\r\no=- 1 1 IN IP4 192.0.2.9\r\nc=IN IP4 192.0.2.9\r\nm=audio 4000 RTP/AVP 0\r\na=" + string(offered) + "\r\n"))
			if err != nil {
				t.Fatal(err)
			}
			body, agreed, err := Answer(offer, Local{Port: 5000, Codecs: []codec.ID{codec.PCMU}, Direction: ours})
			if err != nil || agreed.Ours != answered || !strings.Contains(string(body), "a="+string(answered)+"\r\n") {
				t.Errorf("we want %q, they offer %s: answered %s, want %s; %v", ours, offered, agreed.Ours, answered, err)
			}
		}
	}
}
