// Package phone is a scripted telephone and a scripted seat, for people who
// have neither at hand, and for tests: Call is a customer on our own SIP and
// media, Load is many of them, Seat is an agent without a browser.
package phone
