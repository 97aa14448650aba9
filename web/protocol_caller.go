package web

// CallerView is what is known of who calls, beside the number.
type CallerView struct {
	// Name is the caller's name as the network tells it.
	Name string `json:"name"`
	// Trust is verified (the number is signed by the network that gave it out),
	// trunk (a trusted trunk says so) or unknown.
	Trust string `json:"trust"`
	// Attest is the attestation of a signature, A, B or C; "" where there is none.
	Attest string `json:"attest"`
	// DivertedFrom is the number that was called first, masked; DivertedWhy why it
	// was forwarded to us: unconditional, user-busy, no-answer, …
	DivertedFrom string `json:"diverted_from"`
	DivertedWhy  string `json:"diverted_why"`
}
