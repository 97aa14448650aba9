// Package outbound decides which calls may leave the house. Every way out, from
// an agent's number pad to a phone's REFER, asks one Book, which knows the
// rules, the caps and what has been spent.
//
// Nothing is allowed that no rule allows: a call that came in over a trunk
// gets out only by a rule that says inbound, a country must be listed, and
// premium and short numbers and numbers of no country (satellite phones) must
// be named. Emergency numbers are the exception: from a seat they are always
// allowed, and no cap, stop or list holds them back.
//
// Book is pure: it is handed the time, starts nothing and reads no clock. Store
// beside it keeps the do-not-call list and what was spent.
package outbound
