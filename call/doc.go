// Package call is one call: a customer's leg, the flow that runs beside it,
// the agent and the supervisors who join it, who hears whom, what is recorded
// and what is written into its timeline.
//
// One goroutine owns a Call (Call.run); everybody else sends it commands
// through a bounded queue. The flow runs beside it as straight-line code and
// uses the Call as its ivr.Caller, so that a hang-up or a supervisor is never
// stuck behind a prompt. The customer's hang-up cancels the call's context
// with the EndCause.
//
// Journal is the list of what happened: one row for each call, and its events.
package call
