package web

// Pictures. A seat's peer connection has, after the audio sections, a video
// section for each name of Welcome.Video, in this order: customer (sendrecv: the
// seat's own camera or screen goes out on it) and third (recvonly). They are
// negotiated with the rest, at sign-in, and carry nothing until somebody in a
// call shows something. VP8 and H.264 (42e01f, packetization-mode 1) are
// answered, with NACK, PLI, FIR, REMB and transport-cc, without RTX, RED and FEC.
// A page that offers the audio sections alone has no video.
//
// Nobody is shown by itself: a page captures, sends DoVideo, and puts its track
// on the sender with replaceTrack when the command was done. At the end of a
// call, and when VideoView.Own becomes "", it stops the capture. Going from
// camera to screen or back is another DoVideo. What is shown is never recorded.

// DoVideo shows the seat's pictures to the others in its call, or stops (On).
// Source is camera or screen. With On false, Reason "network" says that the page
// stopped since its network is too weak. A seat that calls from the flow editor
// has it too, as the customer. Switching on again ends the state weak.
const DoVideo Verb = "video"

// What a Command and the views say is shown.
const (
	VideoCamera = "camera"
	VideoScreen = "screen"
)

// ReasonNetwork is the Reason of a DoVideo with which the page itself stops.
const ReasonNetwork = "network"

// VideoView, in CallView and FlowCallView, is who shows what in a call; absent
// where nobody else is who could see anything.
type VideoView struct {
	// Codec is what the page's sender switches to: VP8 or H264.
	Codec string `json:"codec"`
	// Own is what this seat shows: camera, screen, or "".
	Own string `json:"own"`
	// State is of Own as of ShownView.State; "" when it shows nothing.
	State string `json:"state"`
	// SeenBy are the names of those who get it now; the customer is "". While it
	// is empty (on hold) the page may send nothing.
	SeenBy []string `json:"seen_by"`
	// Shown is what the others show to this seat, also while it is held back.
	Shown []ShownView `json:"shown"`
}

// ShownView is what one other shows.
type ShownView struct {
	// Track is the video section on which it comes: customer or third.
	Track string `json:"track"`
	// User is an agent's name for signing in, Name the one for people; both ""
	// for the customer.
	User string `json:"user"`
	Name string `json:"name"`
	// Source is camera or screen.
	Source string `json:"source"`
	// State is on, held (hold, or the row of who sees whom has nobody for it) or
	// weak (a network cannot carry it, so that only the sound is left).
	State string `json:"state"`
	// Weak says whose network that is when State is weak: theirs (who shows) or
	// ours (who looks).
	Weak string `json:"weak,omitempty"`
}
