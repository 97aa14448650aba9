package app

import (
	"callfloor/call"
	"callfloor/contact"
	"callfloor/web"
)

// callerView shows where a call comes from; nil where nothing is known of it.
func callerView(o call.Origin) *web.CallerView {
	if o == (call.Origin{}) {
		return nil
	}
	v := &web.CallerView{Name: o.Name, Trust: o.Trust, Attest: o.Attest, DivertedWhy: o.DivertedWhy}
	if o.DivertedFrom != "" {
		v.DivertedFrom = contact.Mask(o.DivertedFrom)
	}
	return v
}
