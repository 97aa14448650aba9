// Package bus carries messages between the parts of the house and, behind the
// same interface, between nodes. Delivery is at most once and in order for
// each publisher; a slow reader loses messages, is told how many, and reads
// the state again.
package bus

import "strings"

// Message is one published payload. The payload is shared by all readers and
// must not be changed.
type Message struct {
	Topic   string
	Payload []byte
}

// Bus is publish and subscribe by topic. Topics are tokens joined by "." as in
// NATS: "call.ended". All methods may be called concurrently.
type Bus interface {
	// Publish hands payload to every subscription whose pattern matches. It
	// never blocks. Publishing on a closed bus, or to a topic that
	// ValidTopic refuses, does nothing.
	Publish(topic string, payload []byte)
	// Subscribe delivers what is published from now on under pattern; at most
	// size messages (at least 1) wait for the reader. On a closed bus, or with
	// a pattern that ValidPattern refuses, the subscription is closed from
	// the start.
	Subscribe(pattern string, size int) *Subscription
	// Close closes every subscription.
	Close()
}

// ValidTopic says whether topic can be published to: non-empty tokens without
// wildcards or white space, joined by ".", at most 255 octets.
func ValidTopic(topic string) bool {
	if topic == "" || len(topic) > 255 {
		return false
	}
	for token := range strings.SplitSeq(topic, ".") {
		if token == "" || strings.ContainsAny(token, "*> \t\r\n") {
			return false
		}
	}
	return true
}

// ValidPattern says whether pattern can be subscribed to: a topic in which a
// whole token may be "*" (any one token) and the last may be ">" (one or more
// tokens).
func ValidPattern(pattern string) bool {
	if pattern == "" || len(pattern) > 255 {
		return false
	}
	tokens := strings.Split(pattern, ".")
	for i, token := range tokens {
		switch {
		case token == "*", token == ">" && i == len(tokens)-1:
		case token == "" || strings.ContainsAny(token, "*> \t\r\n"):
			return false
		}
	}
	return true
}

// Match says whether a message to topic reaches a subscription to pattern.
func Match(pattern, topic string) bool {
	for {
		p, pRest, pMore := strings.Cut(pattern, ".")
		t, tRest, tMore := strings.Cut(topic, ".")
		switch {
		case p == ">" && !pMore:
			return true
		case p != "*" && p != t:
			return false
		case !pMore || !tMore:
			return pMore == tMore
		}
		pattern, topic = pRest, tRest
	}
}
