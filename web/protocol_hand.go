package web

// DoHand asks the supervisors for help without a word to the customer: On
// raises the agent's hand, which stands on the floor as an alert of the kind
// "hand", else it is lowered. Supervisors lower that of Agent; their coming
// into the call so that the agent hears them does so too.
const DoHand Verb = "hand"
