package dtmf

import "strings"

// The tones of the keys in Hz (ITU-T Q.23): a row and a column sound together.
var (
	rowHz    = [4]float64{697, 770, 852, 941}
	columnHz = [4]float64{1209, 1336, 1477, 1633}
)

// keypad are the keys by row and column.
const keypad = "123A456B789C*0#D"

// Tones returns the two frequencies of a key in Hz; 0, 0 if key is none.
func Tones(key rune) (row, column float64) {
	i := strings.IndexRune(keypad, key)
	if i < 0 {
		return 0, 0
	}
	return rowHz[i/4], columnHz[i%4]
}
