package media

import "testing"

// HearInstead gives a sender back only if it is still the lender's.
func TestHearInstead(t *testing.T) {
	s := NewSender(NewPacer(), "sender")
	defer s.pacer.Close()
	mine, theirs := NewSource("mine"), NewSource("theirs")
	if !s.HearInstead(nil, mine) || s.Hearing() != mine {
		t.Fatal("a free sender was not lent out")
	}
	s.Hear(theirs)
	if s.HearInstead(mine, nil) || s.Hearing() != theirs {
		t.Error("the lender cut off who has it now")
	}
	if s.HearInstead(nil, mine) {
		t.Error("a sender in use was lent out")
	}
	if !s.HearInstead(theirs, nil) || s.Hearing() != nil {
		t.Error("it was not given back")
	}
	s.Close()
	if s.HearInstead(nil, mine); s.Hearing() != nil {
		t.Error("a closed sender hears")
	}
}
