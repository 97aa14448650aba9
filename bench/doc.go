// Command bench measures Callfloor from outside and writes docs/performance.md:
//
//	make bench                              all workloads, as they are published
//	go run ./bench -only W3 -n 100 -runs 1  one of them, quickly
//	go run ./bench -n 10,100 -runs 3 -seconds 5 -for 18m -add -json build/performance.json -write docs/performance.md
//	                                        all, in twenty minutes
//
// Every run is kept in the -json file at once; with -add a measurement goes on
// with the runs that are there, so that one that was interrupted loses nothing.
//
// Each run starts a fresh server process on core 0; the generator (this
// process) is on core 1. CPU is read from /proc/PID/task/*/schedstat over the
// steady window, set-up apart. Every stream has a random phase of its own, and
// packets carry the time they were sent, which is compared with the kernel's
// time of arrival. A run in which less than 99 % of what was due was sent is
// refused. Where a peer is installed it runs in turn with ours.
//
//	W1  INVITE, 200, ACK, BYE without media, by sipp
//	W2  callers in a menu: a prompt plays, they send audio, one key ends it
//	W3  bridged plain RTP: media.Session pairs, beside rtpengine
//	W4  the product's calls, phone to WebRTC seat, recorded and not; perf, where it is
//	    installed, says of the most of them where the time goes
//	W5  REGISTER with digest, by sipp, beside Kamailio
//	W6  phone to WebRTC seat, beside rtpengine and Janus
//	W8  the queue engine's decisions
//	memory  of a caller in the menu, a seat, and a recorded call
//	growth  how many bridged calls each server carries on its core
//	plain   W6 with a goroutine for each socket; only when it is asked for
package main
