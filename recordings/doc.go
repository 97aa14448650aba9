// Package recordings keeps calls: it captures the packets of both sides of a
// call into one encrypted, hash-chained file, seals it with a signature, finds
// it again, renders it to sound, verifies it, holds and erases it.
//
// A recording begins with a consent.Grant and ends at the latest one second
// after that is withdrawn. The call is never in its way: a Track's sink does
// not block and does not allocate, a full disk stops the recording and not the
// call. Coaches and supervisors are on no track.
//
// The package decodes nothing while it captures; sound is made when somebody
// asks for it (design: "capture now, render later"). DESIGN.md describes the
// capture file and its invariants; the constants of format.go are its layout.
package recordings
