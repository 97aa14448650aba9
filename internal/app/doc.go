// Package app makes every part of Callfloor and joins them: it alone knows
// everyone. App is New, Start, Stop; House is where calls, agents and seats
// meet.
package app
