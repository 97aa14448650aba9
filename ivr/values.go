package ivr

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"
)

// format says how a value is spoken.
type format struct {
	kind     string // number, digits, money, date, time; "" by the value's type
	currency string // of money
}

func formatNames() []string { return []string{"number", "digits", "money", "date", "time"} }
func currencies() []string  { return []string{"CNY", "EUR", "GBP", "USD"} }

// readFormat reads "number" or "money CNY".
func readFormat(w word) (format, error) {
	kind, currency, _ := strings.Cut(w.text, " ")
	f := format{kind: kind, currency: strings.TrimSpace(currency)}
	switch {
	case !slices.Contains(formatNames(), kind):
		return f, wrong(w.at, "%q is no way to say a value; it is %s%s", kind, quoteList(formatNames()), nearest(kind, formatNames()))
	case kind == "money" && !slices.Contains(currencies(), f.currency):
		return f, wrong(w.at, "money needs its currency: %s", quoteList(currencies()))
	case kind != "money" && f.currency != "":
		return f, wrong(w.at, "only money has a currency")
	}
	return f, nil
}

// wants is the type that a format says; "" for any.
func (f format) wants() varType {
	switch f.kind {
	case "number", "money":
		return typeNumber
	case "date", "time", "digits":
		return typeText
	}
	return ""
}

// ids lists the clips that say a value; none if clips cannot.
func (f format) ids(lang string, x any) []string {
	n, isNumber := typeNumber.convert(x)
	text, _ := x.(string)
	switch {
	case f.kind == "money" && isNumber:
		return moneyIDs(lang, n.(float64), f.currency)
	case f.kind == "digits":
		return digitIDs(text)
	case f.kind == "date":
		return dateIDs(lang, text)
	case f.kind == "time":
		return timeIDs(lang, text)
	case isNumber:
		return numberIDs(lang, n.(float64))
	}
	return nil
}

// maxSaid is the first number that is said digit by digit.
const maxSaid = 100_000_000

// numberIDs says a number with up to four decimals.
func numberIDs(lang string, x float64) []string {
	if math.IsNaN(x) || math.IsInf(x, 0) {
		return nil
	}
	text := strconv.FormatFloat(math.Abs(x), 'f', -1, 64)
	whole, decimals, _ := strings.Cut(text, ".")
	if len(decimals) > 4 {
		whole, decimals, _ = strings.Cut(strconv.FormatFloat(math.Abs(x), 'f', 4, 64), ".")
		decimals = strings.TrimRight(decimals, "0")
	}
	var ids []string
	if x < 0 && strings.Trim(whole+decimals, "0") != "" {
		ids = append(ids, "number_minus")
	}
	ids = append(ids, wholeIDs(lang, whole)...)
	if decimals != "" {
		ids = append(append(ids, "number_point"), digitIDs(decimals)...)
	}
	return ids
}

func wholeIDs(lang, whole string) []string {
	n, err := strconv.Atoi(whole)
	switch {
	case err != nil || n >= maxSaid:
		return digitIDs(whole)
	case lang == "zh":
		return chineseIDs(n)
	default:
		return englishIDs(n)
	}
}

// englishIDs says 0 to 99,999,999.
func englishIDs(n int) []string {
	for _, unit := range []struct {
		size int
		id   string
	}{{1_000_000, "unit_million"}, {1000, "unit_thousand"}, {100, "unit_hundred"}} {
		if n >= unit.size {
			ids := append(englishIDs(n/unit.size), unit.id)
			if n %= unit.size; n > 0 {
				ids = append(ids, englishIDs(n)...)
			}
			return ids
		}
	}
	return belowHundred(n)
}

// belowHundred says 0 to 99; there is a clip for each up to 59 and for the tens.
func belowHundred(n int) []string {
	if n <= maxSpokenNumber || n%10 == 0 {
		return []string{number(n)}
	}
	return []string{number(n / 10 * 10), number(n % 10)}
}

// chineseIDs says 0 to 99,999,999: 两千零五, 一百一十, 十二万.
func chineseIDs(n int) []string {
	if n < 10_000 {
		return chineseSection(n, false)
	}
	ids := append(countedIDs(n/10_000), "unit_ten_thousand")
	if rest := n % 10_000; rest > 0 {
		if rest < 1000 {
			ids = append(ids, number(0))
		}
		ids = append(ids, chineseSection(rest, true)...)
	}
	return ids
}

// countedIDs says how many: exactly two is 两.
func countedIDs(n int) []string {
	if n == 2 {
		return []string{counted(2)}
	}
	return chineseSection(n, false)
}

// chineseSection says 0 to 9999; after something higher, ten is 一十.
func chineseSection(n int, after bool) []string {
	var ids []string
	gap := false
	for _, unit := range []struct {
		size int
		id   string
	}{{1000, "unit_thousand"}, {100, "unit_hundred"}} {
		if n < unit.size {
			gap = gap || len(ids) > 0
			continue
		}
		if gap {
			ids = append(ids, number(0))
			gap = false
		}
		ids = append(ids, counted(n/unit.size), unit.id)
		n %= unit.size
	}
	higher := len(ids) > 0
	switch {
	case n == 0 && higher:
		return ids
	case higher && n < 10, gap && n > 0:
		ids = append(ids, number(0))
	}
	if (higher || after) && n >= 10 && n < 20 {
		ids = append(ids, number(1))
	}
	return append(ids, belowHundred(n)...)
}

// digitIDs says digit by digit; nothing if the text has anything else.
func digitIDs(text string) []string {
	var ids []string
	for _, d := range text {
		if d < '0' || d > '9' {
			return nil
		}
		ids = append(ids, number(int(d-'0')))
	}
	return ids
}

// minors are the clips of the hundredth of a currency.
func minor(currency string) string {
	if currency == "GBP" {
		return "minor_pence"
	}
	return "minor_cents"
}

// moneyIDs says an amount, rounded to hundredths.
func moneyIDs(lang string, x float64, currency string) []string {
	all := math.Round(math.Abs(x) * 100)
	if math.IsNaN(all) || all >= maxSaid*100 {
		return nil
	}
	whole, rest := int(all)/100, int(all)%100
	var ids []string
	if x < 0 && all > 0 {
		ids = append(ids, "number_minus")
	}
	unit := "currency_" + strings.ToLower(currency)
	if whole > 0 || rest == 0 {
		ids = append(ids, amount(lang, whole, unit)...)
	}
	if rest == 0 {
		return ids
	}
	if currency == "CNY" {
		return append(ids, yuanRest(lang, whole, rest)...)
	}
	return append(ids, amount(lang, rest, minor(currency))...)
}

func amount(lang string, n int, unit string) []string {
	switch {
	case lang == "zh" && n < 10_000:
		return append(countedIDs(n), unit)
	case lang == "zh":
		return append(chineseIDs(n), unit)
	case n == 1:
		return []string{number(1), unit + "_one"}
	default:
		return append(englishIDs(n), unit)
	}
}

// yuanRest says jiao and fen: 五角, 零五分.
func yuanRest(lang string, whole, rest int) []string {
	var ids []string
	jiao, fen := rest/10, rest%10
	if jiao > 0 {
		ids = append(ids, counted(jiao), "minor_jiao")
	} else if whole > 0 && lang == "zh" {
		ids = append(ids, number(0))
	}
	if fen > 0 {
		ids = append(ids, counted(fen), "minor_fen")
	}
	return ids
}

// dateIDs says 2026-11-23.
func dateIDs(lang, text string) []string {
	t, err := time.Parse("2006-01-02", text)
	if err != nil {
		return nil
	}
	month, day := fmt.Sprintf("month_%d", int(t.Month())), fmt.Sprintf("day_of_month_%d", t.Day())
	if lang == "zh" {
		return append(append(digitIDs(text[:4]), "date_year"), month, day)
	}
	return append([]string{month, day}, englishYear(t.Year())...)
}

// englishYear says twenty twenty-six, nineteen oh five, two thousand five.
func englishYear(y int) []string {
	switch century, rest := y/100, y%100; {
	case century == 0 || rest < 10 && century%10 == 0:
		return englishIDs(y)
	case rest == 0:
		return append(belowHundred(century), "unit_hundred")
	case rest < 10:
		return append(belowHundred(century), number(0), number(rest))
	default:
		return append(belowHundred(century), belowHundred(rest)...)
	}
}

// timeIDs says 17:30.
func timeIDs(lang, text string) []string {
	t, err := time.Parse("15:04", text)
	if err != nil {
		return nil
	}
	return clockTime{minute: t.Hour()*60 + t.Minute()}.ids(lang)
}

// valuePrompts lists every prompt that a value may be said with.
func valuePrompts() []string {
	ids := []string{
		"number_point", "number_minus", "number_2_counted", "unit_hundred", "unit_thousand", "unit_ten_thousand", "unit_million",
		"minor_cents", "minor_cents_one", "minor_pence", "minor_pence_one", "minor_jiao", "minor_fen", "date_year", "hours_oclock", "hours_minutes",
	}
	for n := range maxSpokenNumber + 1 {
		ids = append(ids, number(n))
	}
	for n := 60; n < 100; n += 10 {
		ids = append(ids, number(n))
	}
	for _, c := range currencies() {
		ids = append(ids, "currency_"+strings.ToLower(c), "currency_"+strings.ToLower(c)+"_one")
	}
	for n := range 12 {
		ids = append(ids, fmt.Sprintf("month_%d", n+1))
	}
	for n := range 31 {
		ids = append(ids, fmt.Sprintf("day_of_month_%d", n+1))
	}
	return ids
}
