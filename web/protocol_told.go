package web

import "encoding/json"

// Told is what an agent knows of the customer before a word is said: what a bot
// learned, what the flow shows, and afterwards how satisfied the customer says
// to be.
type Told struct {
	Context *ContextView `json:"context,omitempty"`
	// Variables are those of the flow that it shows (show:).
	Variables []VariableView `json:"variables,omitempty"`
	// CSAT is 1 to 5, once the customer was asked; 0 before.
	CSAT int `json:"csat,omitempty"`
}

// ContextView is what a bot handed over.
type ContextView struct {
	From string `json:"from"` // the node of the flow
	At   string `json:"at"`
	// Fields are the bot's words: texts, numbers, yes or no, lists and mappings
	// of them. Well-known: summary, intent, sentiment, tries, slots, transcript.
	Fields map[string]json.RawMessage `json:"fields"`
}

// VariableView is one value of the flow.
type VariableView struct {
	Name  string `json:"name"`
	Label string `json:"label"`
	Value string `json:"value"`
}
