package web

// The verbs around a headset. With DoEcho on, the seat hears its own
// microphone as the server got it, until it says off, a call needs the seat, or
// 30 s are over; the figures are in the document under KeyEcho meanwhile.
// DoHeadset hands over what a headset check found (Command.Headset).
const (
	DoEcho    Verb = "echo"
	DoHeadset Verb = "headset"
)

// KeyEcho is the key of the document under which an EchoView stands while an
// echo is on, and with what it found in the end until the next one.
const KeyEcho = "echo"

// EchoView is what the server counted of a seat's own sound since the echo
// began: the way from the browser. What came back the browser counts itself.
type EchoView struct {
	On    bool   `json:"on"`
	Since string `json:"since"`
	// Received and Lost are packets from the browser; Sent those that went back.
	Received uint64  `json:"received"`
	Lost     uint64  `json:"lost"`
	Sent     uint64  `json:"sent"`
	JitterMS float64 `json:"jitter_ms"`
}

// HeadsetReport is what the check of a headset before the shift found. There is
// no sound in it. Levels are as the page shows them; null was not measured.
type HeadsetReport struct {
	At string `json:"at"` // when it was checked
	// Verdict is good, fair or bad.
	Verdict string `json:"verdict"`
	// Problems are the lines of the check that did not end well: microphone,
	// noise, voice, echo, network, ring.
	Problems []string `json:"problems"`
	// Microphone is the device's name as the browser says it.
	Microphone string `json:"microphone"`
	// Suppression is off, browser or rnnoise.
	Suppression string `json:"suppression"`
	// NoiseDB is the room; VoiceDB how far speech stands above it; EchoDB how
	// much of what the loudspeaker plays comes back, relative to it.
	NoiseDB *float64 `json:"noise_db"`
	VoiceDB *float64 `json:"voice_db"`
	EchoDB  *float64 `json:"echo_db"`
	// RTTMS is the way to the server and back. Up is from the browser.
	RTTMS    *float64 `json:"rtt_ms"`
	JitterMS *float64 `json:"jitter_ms"` // of the worse way
	LossUp   *float64 `json:"loss_up"`   // percent
	LossDown *float64 `json:"loss_down"`
}
