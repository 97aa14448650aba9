package tone

// country is what one country's network sounds like.
type country struct{ ringback, busy, congestion, waiting []burst }

// countries follows ITU-T E.180 Supplement 2 (various tones used in national
// networks). Where a country modulates its ring-back (400 Hz by 25 Hz), the two
// sidebands are sounded, which is what the ear hears.
func countries() map[string]country {
	var (
		f350 = []float64{400, 450}
		usa  = country{
			beat([]float64{440, 480}, 2000, 4000), beat([]float64{480, 620}, 500, 500),
			beat([]float64{480, 620}, 250, 250), beat([]float64{440}, 300, 9700),
		}
	)
	return map[string]country{
		"ar": one(425, t{1000, 4500}, t{300, 200}, t{200, 300}),
		"at": one(420, t{1000, 5000}, t{400, 400}, t{200, 200}),
		"au": {
			beat([]float64{413, 438}, 400, 200, 400, 2000), beat([]float64{425}, 375, 375),
			beat([]float64{425}, 375, 375), beat([]float64{425}, 200, 200, 200, 4400),
		},
		"be": one(425, t{1000, 3000}, t{500, 500}, t{167, 167}),
		"br": one(425, t{1000, 4000}, t{250, 250}, t{250, 250, 750, 250}),
		"ca": usa,
		"ch": one(425, t{1000, 4000}, t{500, 500}, t{200, 200}),
		"cn": {
			beat([]float64{450}, 1000, 4000), beat([]float64{450}, 350, 350),
			beat([]float64{450}, 700, 700), beat([]float64{450}, 400, 4000),
		},
		"cz": one(425, t{1000, 4000}, t{330, 330}, t{165, 165}),
		"de": one(425, t{1000, 4000}, t{480, 480}, t{240, 240}),
		"dk": one(425, t{1000, 4000}, t{500, 500}, t{200, 200}),
		"es": one(425, t{1500, 3000}, t{200, 200}, t{200, 200, 200, 200, 200, 600}),
		"fi": one(425, t{1000, 4000}, t{300, 300}, t{200, 200}),
		"fr": one(440, t{1500, 3500}, t{500, 500}, t{250, 250}),
		"gb": {
			beat(f350, 400, 200, 400, 2000), beat([]float64{400}, 375, 375),
			beat([]float64{400}, 400, 350, 225, 525), beat([]float64{400}, 100, 2500),
		},
		"gr": one(425, t{1000, 4000}, t{300, 300}, t{200, 200}),
		"hk": {
			beat([]float64{440, 480}, 400, 200, 400, 3000), beat([]float64{480, 620}, 500, 500),
			beat([]float64{480, 620}, 250, 250), beat([]float64{440}, 500, 500, 500, 8500),
		},
		"hu": one(425, t{1250, 3750}, t{300, 300}, t{300, 300}),
		"ie": {
			beat(f350, 400, 200, 400, 2000), beat([]float64{425}, 500, 500),
			beat([]float64{425}, 250, 250), beat([]float64{425}, 180, 200, 200, 4420),
		},
		"il": one(400, t{1000, 3000}, t{500, 500}, t{250, 250}),
		"in": {
			beat([]float64{375, 400, 425}, 400, 200, 400, 2000), beat([]float64{400}, 750, 750),
			beat([]float64{400}, 250, 250), beat([]float64{400}, 200, 100, 200, 7500),
		},
		"it": one(425, t{1000, 4000}, t{500, 500}, t{200, 200}),
		"jp": {
			beat([]float64{384, 416}, 1000, 2000), beat([]float64{400}, 500, 500),
			beat([]float64{400}, 500, 500), beat([]float64{384, 416}, 500, 60, 500, 4000),
		},
		"kr": {
			beat([]float64{440, 480}, 1000, 2000), beat([]float64{480, 620}, 500, 500),
			beat([]float64{480, 620}, 300, 200), beat([]float64{350, 440}, 250, 250, 250, 3250),
		},
		"mx": one(425, t{1000, 4000}, t{250, 250}, t{250, 250}),
		"my": one(425, t{400, 200, 400, 2000}, t{500, 500}, t{500, 500}),
		"nl": one(425, t{1000, 4000}, t{500, 500}, t{250, 250}),
		"no": one(425, t{1000, 4000}, t{500, 500}, t{200, 200}),
		"nz": {
			beat(f350, 400, 200, 400, 2000), beat([]float64{400}, 500, 500),
			beat([]float64{400}, 250, 250), beat([]float64{400}, 200, 3000),
		},
		"pl": one(425, t{1000, 4000}, t{500, 500}, t{500, 500}),
		"pt": one(425, t{1000, 5000}, t{500, 500}, t{200, 200}),
		"ru": one(425, t{1000, 4000}, t{350, 350}, t{175, 175}),
		"se": one(425, t{1000, 5000}, t{250, 250}, t{250, 750}),
		"sg": {
			beat([]float64{401, 425, 449}, 400, 200, 400, 2000), beat([]float64{425}, 750, 750),
			beat([]float64{425}, 250, 250), beat([]float64{425}, 300, 200, 300, 3200),
		},
		"tr": one(450, t{2000, 4000}, t{500, 500}, t{200, 200, 200, 200, 200, 200, 600, 200}),
		"tw": {
			beat([]float64{440, 480}, 1000, 2000), beat([]float64{480, 620}, 500, 500),
			beat([]float64{480, 620}, 250, 250), beat([]float64{350, 440}, 250, 250, 250, 5250),
		},
		"us": usa,
		"za": {
			beat([]float64{383, 417}, 400, 200, 400, 2000), beat([]float64{400}, 500, 500),
			beat([]float64{400}, 250, 250), beat([]float64{400}, 400, 4000),
		},
	}
}

// t is a rhythm in milliseconds: on, off, on, off …
type t []int

// one is a country whose tones have one frequency, as most of Europe's do.
func one(hz float64, ringback, busy, congestion t) country {
	f := []float64{hz}
	return country{beat(f, ringback...), beat(f, busy...), beat(f, congestion...), beat(f, 200, 600, 200, 5000)}
}
