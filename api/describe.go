package api

import (
	"reflect"
	"strings"

	"github.com/danielgtaylor/huma/v2"

	"callfloor/acd/tasks"
	"callfloor/contact"
	"callfloor/recordings"
	"callfloor/sip"
)

// describe makes the OpenAPI document say what the wire says where types have
// a JSON form of their own, and names our error as the body of every failure.
func describe(o *huma.OpenAPI) {
	schemas := o.Components.Schemas.Map()
	replace := map[string]*huma.Schema{
		"CallStamp":  {Type: huma.TypeString, Format: "date-time"},
		"RawMessage": {},
	}
	for name, s := range replace {
		if old, ok := schemas[name]; ok {
			*old = *s
		}
	}
	for _, s := range schemas {
		for name, p := range s.Properties {
			if p.ContentEncoding == "base64" && name == "data" { // json.RawMessage
				s.Properties[name] = &huma.Schema{Description: p.Description}
			}
		}
	}
	refine(o)
	schemas["ErrorModel"] = &huma.Schema{Type: huma.TypeObject, Required: []string{"code", "message"}, Properties: map[string]*huma.Schema{
		"code": {Type: huma.TypeString}, "message": {Type: huma.TypeString},
	}}
	for _, p := range o.Paths {
		for _, op := range []*huma.Operation{p.Get, p.Post, p.Put, p.Patch, p.Delete} {
			if op == nil {
				continue
			}
			for _, r := range op.Responses {
				if c, ok := r.Content["application/problem+json"]; ok {
					delete(r.Content, "application/problem+json")
					r.Content["application/json"] = c
				}
			}
		}
	}
}

// refine says of answers what their Go types say and huma does not: which words
// a string may be, and that what a pointer points to may be missing. What
// requests send is left as it is checked.
func refine(o *huma.OpenAPI) {
	asked := map[string]bool{}
	for _, p := range o.Paths {
		for _, op := range []*huma.Operation{p.Get, p.Post, p.Put, p.Patch, p.Delete} {
			if op == nil || op.RequestBody == nil {
				continue
			}
			for _, m := range op.RequestBody.Content {
				if m.Schema != nil {
					asked[m.Schema.Ref] = true
				}
			}
		}
	}
	for name, s := range o.Components.Schemas.Map() {
		ref := "#/components/schemas/" + name
		if t := o.Components.Schemas.TypeFromRef(ref); t != nil && t.Kind() == reflect.Struct && !asked[ref] {
			refineFields(s, t)
		}
	}
}

func refineFields(s *huma.Schema, t reflect.Type) {
	for i := range t.NumField() {
		f := t.Field(i)
		inner, pointer := f.Type, f.Type.Kind() == reflect.Pointer
		if pointer {
			inner = inner.Elem()
		}
		if f.Anonymous && inner.Kind() == reflect.Struct {
			refineFields(s, inner)
			continue
		}
		key, options, _ := strings.Cut(f.Tag.Get("json"), ",")
		p := s.Properties[key]
		switch {
		case p == nil:
		case inner == reflect.TypeFor[contact.SIPStatus](): // 0 is null
			p.Nullable = true
		case inner == reflect.TypeFor[contact.Tags]():
			if of, ok := p.AdditionalProperties.(*huma.Schema); ok {
				of.Nullable = false
			}
		case wordsOf(inner) != nil:
			p.Enum = wordsOf(inner)
		case pointer && p.Ref != "" && !strings.Contains(options, "omitempty"):
			s.Properties[key] = &huma.Schema{AnyOf: []*huma.Schema{{Ref: p.Ref}, {Type: "null"}}, Description: p.Description}
		}
	}
}

// wordsOf are the values of a type of words; nil if it is none.
func wordsOf(t reflect.Type) []any {
	switch t {
	case reflect.TypeFor[contact.Consent]():
		return []any{contact.ConsentGranted, contact.ConsentRefused, contact.ConsentAnnounced, contact.ConsentNone}
	case reflect.TypeFor[contact.Party]():
		return []any{contact.Customer, contact.Agent, contact.Supervisor, contact.System}
	case reflect.TypeFor[contact.EndClass]():
		return []any{contact.EndCompleted, contact.EndAbandoned, contact.EndRejected, contact.EndFailed}
	case reflect.TypeFor[contact.Role]():
		return []any{contact.RoleAgent, contact.RoleSupervisor, contact.RoleAdmin}
	case reflect.TypeFor[recordings.State]():
		return []any{recordings.StateOpen, recordings.StateSealed, recordings.StateCutOff, recordings.StateFailed}
	case reflect.TypeFor[tasks.Kind]():
		return []any{tasks.Callback, tasks.Voicemail, tasks.AfterCall, tasks.Promise}
	case reflect.TypeFor[sip.BanReason]():
		return []any{sip.BannedScanner, sip.BannedPassword, sip.BannedNumber}
	}
	return nil
}
