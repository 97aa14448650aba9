package sip

import (
	"testing"
	"time"

	"callfloor/media"
)

func TestOnePressByTwoWays(t *testing.T) {
	type report struct {
		key  rune
		via  string
		ms   int
		want bool
	}
	for name, reports := range map[string][]report{
		"tone and INFO at once":       {{'5', media.ViaInBand, 0, true}, {'5', media.ViaInfo, 100, false}},
		"INFO when the key is let go": {{'5', media.ViaInBand, 0, true}, {'5', media.ViaInfo, 900, false}, {'5', media.ViaInBand, 1500, false}, {'5', media.ViaInfo, 1600, true}},
		"INFO first":                  {{'5', media.ViaInfo, 0, true}, {'5', media.ViaInBand, 40, false}, {'6', media.ViaInBand, 300, false}},
		"tones alone":                 {{'5', media.ViaInBand, 0, true}, {'5', media.ViaInBand, 100, true}},
		"event and INFO":              {{'5', media.ViaEvent, 0, true}, {'5', media.ViaInfo, 150, false}, {'5', media.ViaInfo, 600, true}},
	} {
		t.Run(name, func(t *testing.T) {
			var f keyFilter
			for i, r := range reports {
				if got := f.fresh(media.Digit{Key: r.key, Via: r.via, At: time.Unix(100, 0).Add(time.Duration(r.ms) * time.Millisecond)}); got != r.want {
					t.Errorf("report %d: %v", i, got)
				}
			}
		})
	}
}
