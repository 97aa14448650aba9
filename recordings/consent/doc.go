// Package consent keeps what customers said of being recorded. Its Ledger is
// the only maker of a Grant, and a Grant is the only thing with which a
// recording can be started (recordings.Store.Start), so that "recorded without
// consent" does not compile.
//
// The row of an answer is committed before its Grant exists; rows are never
// changed. A withdrawal is a row of its own and cancels the Grant's context at
// once.
//
// The package knows no audio and no flow: who asks and how is ivr's business.
package consent
