// Package contact is the vocabulary of Callfloor: identifiers, parties, the
// states of legs and agents with their transition tables, the cause of an end,
// the events of a timeline and error codes. Every other package speaks it.
//
// It imports the standard library only, starts no goroutine and holds no state.
package contact
