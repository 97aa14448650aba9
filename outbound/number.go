package outbound

import (
	"slices"
	"strings"

	"github.com/nyaruka/phonenumbers"

	"callfloor/contact"
)

// Kind is what sort of number it is, as far as rules care.
type Kind string

// The kinds. NoCountry are numbers of satellite phones and international
// networks, which cost more than any country.
const (
	Ordinary  Kind = "ordinary" // fixed, mobile, toll-free
	Shared    Kind = "shared"   // shared cost
	Premium   Kind = "premium"
	NoCountry Kind = "no_country"
	Short     Kind = "short" // 10086, 118 118
	Emergency Kind = "emergency"
	Extension Kind = "extension" // of a PBX behind a trunk, as the rules name them
)

// Number is where a call goes.
type Number struct {
	// Dialled is what was dialled, without spaces and signs between digits.
	Dialled string
	// E164 is +8613812345678; "" for short, emergency and extension numbers.
	E164 string
	// National is 013812345678, as it is dialled in its own country.
	National string
	// Country is two letters, CN; "" where E164 is, and for NoCountry.
	Country string
	Kind    Kind
}

// Key is what lists and records call the number.
func (n Number) Key() string {
	if n.E164 != "" {
		return n.E164
	}
	return n.Dialled
}

// longest is how many characters a number may be written with.
const longest = 40

// Parse reads a number as people write it. region is where a number without a
// plus is dialled from; "" takes only those with one. extra are further
// emergency numbers, extensions further numbers that trunks know, where x
// stands for a digit. The error is a contact.Error with the code Invalid.
func Parse(text, region string, extra, extensions []string) (Number, error) {
	dialled, ok := clean(text)
	if !ok {
		return Number{}, contact.Errorf(contact.Invalid, "this is not a phone number; write digits, with + and the country's code for other countries")
	}
	n := Number{Dialled: dialled}
	switch {
	case slices.Contains(extra, dialled) || region != "" && phonenumbers.IsEmergencyNumber(dialled, region):
		n.Kind = Emergency
		return n, nil
	case slices.ContainsFunc(extensions, func(p string) bool { return fits(p, dialled) }):
		n.Kind = Extension
		return n, nil
	}
	if region != "" && !strings.HasPrefix(dialled, "+") && isShort(dialled, region) {
		n.Kind, n.Country = Short, region
		return n, nil
	}
	from := region
	if from == "" {
		from = "ZZ"
	}
	p, err := phonenumbers.Parse(dialled, from)
	if err != nil || !phonenumbers.IsValidNumber(p) {
		return Number{}, contact.Errorf(contact.Invalid, "there is no such phone number; write it in full, with + and the country's code for other countries")
	}
	n.E164 = phonenumbers.Format(p, phonenumbers.E164)
	n.National, _ = clean(phonenumbers.Format(p, phonenumbers.NATIONAL))
	n.Country = phonenumbers.GetRegionCodeForNumber(p)
	n.Kind = kindOf(p, n.Country)
	if n.Kind == NoCountry {
		n.Country = ""
	}
	return n, nil
}

// kindOf puts the library's types into ours.
func kindOf(p *phonenumbers.PhoneNumber, country string) Kind {
	switch phonenumbers.GetNumberType(p) {
	case phonenumbers.PREMIUM_RATE:
		return Premium
	case phonenumbers.SHARED_COST:
		return Shared
	}
	if len(country) != 2 { // "001" and none: +870, +881, +882, +883, +979
		return NoCountry
	}
	return Ordinary
}

func isShort(dialled, region string) bool {
	p, err := phonenumbers.Parse(dialled, region)
	return err == nil && phonenumbers.IsValidShortNumberForRegion(p, region) && !phonenumbers.IsValidNumber(p)
}

// clean takes a number out of the signs that people write between digits. What
// has anything else in it is no number: nothing of it is guessed.
func clean(text string) (string, bool) {
	text = strings.TrimSpace(text)
	text = strings.TrimPrefix(text, "tel:")
	if len(text) > longest {
		return "", false
	}
	var b strings.Builder
	for i, r := range text {
		switch {
		case r >= '0' && r <= '9', r == '+' && i == 0:
			b.WriteRune(r)
		case strings.ContainsRune(" -.()/\u00a0", r):
		default:
			return "", false
		}
	}
	out := b.String()
	return out, strings.Trim(out, "+") != "" && len(out) <= 20
}

// fits says whether a number fits a pattern like 1009 or 2xxx.
func fits(pattern, number string) bool {
	if len(pattern) != len(number) {
		return false
	}
	for i := range len(pattern) {
		if c := pattern[i]; c != number[i] && (c != 'x' || number[i] < '0' || number[i] > '9') {
			return false
		}
	}
	return true
}
