// Package ivr is the flow language: files that say what a customer hears and
// may choose, their checker, and the interpreter that runs one beside a call.
// It opens no socket and no file of its own: flows and prompts come from an
// fs.FS.
//
// # Flow files
//
// A flow is one YAML file: a mapping of nodes by name, and the name of the
// first one (without start, the first in the file). The call is answered before
// the first node, unless that is ring or early.
//
//	start: greeting
//	nodes:
//	  greeting:
//	    kind: language
//	    say: [greeting, zh/chinese_press_nine]
//	    keys: {9: zh}
//	    next: menu
//	  …
//
// A prompt is named by its id in prompts.yaml and is heard in the customer's
// language; "zh/ID" is always heard in that one. Times are written 10s, 1m30s.
// The kinds, their keys, and the defaults in brackets:
//
//	answer    next                              answers; only to say so plainly
//	early     next                              heard before the answer; only as start. The nodes
//	                                            that only speak, ask and decide leave it unanswered
//	ring      —                                 180 until the caller gives up; only as start
//	play      say, skip [true], next            a key ends it and answers the next question;
//	                                            say may hold values: {number: total}, digits,
//	                                            money (with currency), date, time
//	say       text: {en, zh}, skip, next        a text with values, spoken by the speech command
//	hours     open, next                        says the opening hours: always, or a list of
//	                                            {days: mon-fri, from: 09:00, to: 17:30}
//	hours     open, zone, holidays, override,   or goes on by whether it is open now
//	          opened, closed
//	language  say, keys, wait [0s],             keys choose a language, here and in every later
//	          remember [false], next            question that does not use them itself; remember
//	                                            begins in the one of the caller's last call
//	consent   mode: ask, say, agree [1],        asks whether the call may be recorded; keys from
//	          decline [2], repeats [2],         before do not count; a wrong key and a silence
//	          wait [4s], next                   use up one asking each, and the last is a no
//	          (or agreed and refused)
//	consent   mode: announce, say, next         announces that it is; cannot be cut short
//	menu      say, again [say], keys,           choices; keys typed ahead count; again is said
//	          wait [10s], silent, timeouts [3], to a caller who comes back to it, until a silence
//	          failures [3], failed [silent],    or a wrong key
//	          say_wrong
//	collect   say, into, min [1], max [20],     digits into a text variable; valid is a condition
//	          first [10s], between [2s],        over value; * begins again; secret digits go into
//	          ends ["#"], valid, secret,        a secret variable and are never heard or seen
//	          timeouts [3], failures [3],
//	          say_wrong, silent, failed, next
//	set       values: {NAME: EXPRESSION}, next  gives variables new values, in order
//	branch    choices: [{when, next}], else     the first condition that is true
//	split     shares: [{percent, next}]         a part of the callers each way; they make 100
//	lookup    url, method [get], headers,       asks a server for JSON and takes values from it;
//	          body, timeout [3s], cache [0s],   music meanwhile
//	          music, into, failed, next
//	queue     queue, say, music [music],        music, and the place and the expected wait;
//	          announce [60s], priority [0],     without served the call ends after the agent
//	          refused, closed [refused],         closed, no_agents, overflow: why it did not keep the caller
//	          no_agents [refused], overflow
//	          [refused], served, skills, keys,  skills are required of agents; keys are taken while
//	          offer, offer_from [0s]            the caller waits, the place is kept, and offer tells of
//	                                            them where the expected wait is at least offer_from
//	callback  queue, say [callback_offer],      a call back on the caller's number or another one,
//	          other [true], choose [false],     when it is their turn or at a time of their choice;
//	          zone [UTC], priority [0],         the place in the queue is kept
//	          wait [10s], booked, declined,
//	          failed [declined]
//	voicemail queue, say [voicemail_leave],     a message, recorded after being told so; a silence,
//	          max [2m], silence [5s],           ends or hanging up ends it; review lets the caller
//	          ends ["#"], review [true],        record it again; it becomes a task of the queue
//	          priority [0], wait [10s], next,
//	          empty [next]
//	agent     agent, queue, wait [20s], music,  one agent by name, in the name of a queue; away:
//	          no_answer, away [no_answer],      not at work
//	          served
//	dial      to, say, music, ring [30s],       a number outside, by the house's rules; without
//	          longest [1h], busy, no_answer,    served the call ends after it
//	          failed, served
//	stream    url, headers, parameters,         a voice bot in the form of Twilio Media Streams;
//	          connect [5s], longest [10m],      keys lead away from it, handover by the names that
//	          tries [1], keys, handover, into,  it says, into is over context and queue
//	          refused [failed], failed,
//	          too_long [next], next
//	speech    say, choices: [{label, key,       words or a key; into takes any words; keys always
//	          words, next}], into, sure [50],   work, words where there is a recogniser
//	          wait [5s], pause [800ms],
//	          longest [10s], timeouts [3],
//	          failures [3], say_wrong, silent,
//	          failed, next
//	message   to [the caller], text: {en, zh},  a text message over the server's gateway
//	          say, failed [next], next
//	survey    say, say_wrong, thanks, into,     1 to 5, kept with the call
//	          wait [10s], timeouts [2],
//	          failures [2], next
//	studio    prompts, longest [1m], wait [10s], staff record prompts after the code of prompt_code:
//	          failed [next], next               1 is the first of prompts, nine at most
//	subflow   flow, with, returns, exits, next  another file of the folder, as if it stood here
//	return    as                                back from a subflow, by its exits or next
//	echo      —                                 the caller's own audio, until they hang up
//	wait      for, next                         silence
//	goto      next                              a second name for a place
//	hangup    say, refuse [unavailable]         farewell, and the end; refuse is how a call ends that
//	                                            is not answered: unavailable, busy, declined, unknown
//
// Variables are declared with their first values, which give them their types:
// text, number, yes or no. Expressions (expr-lang) read them and caller, line,
// language, consent and queue("sales").waiting; docs/flows.md has the language
// with examples.
//
// show: lists the variables that the agent sees.
//
// LoadFlow checks what is true on any line (nodes, prompts in every language,
// ways out); Flow.Check what depends on the line (queues, consent). Both name
// file, line and column, what is wrong and what would be right, and the path of
// the caller where a path is at fault.
//
// A new kind is one file that implements step, one line in the table kinds, and
// one script in testdata/run.
//
// # Prompts
//
// prompts/make.sh speaks every text of prompts.yaml once, with espeak-ng; the
// WAV files are committed and are placeholders for a real voice: record
// LANGUAGE/ID.wav (mono, 8, 16 or 48 kHz) over them. make_music.go computes the
// music.
package ivr
