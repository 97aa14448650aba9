package api

import (
	"context"
	"io"
	"net/http"
	"net/netip"
	"slices"
	"strings"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humago"

	"callfloor/contact"
	"callfloor/sip"
)

// ActionBanLift is an address that a person lets in again.
const ActionBanLift Action = "ban_lift"

// Bans are the addresses that the SIP port shuts out.
type Bans interface {
	Bans() []sip.Ban
	// LiftBan lets an address in again; false if it is not shut out.
	LiftBan(netip.Addr) bool
}

// banView is one address that is shut out.
type banView struct {
	Address string        `json:"address" doc:"an IPv4 address, or the /64 network of an IPv6 one"`
	Since   string        `json:"since"`
	Until   string        `json:"until"`
	Why     sip.BanReason `json:"why" doc:"what it did last"`
	Bad     int           `json:"bad" doc:"the requests that counted towards it, in one minute"`
	Dropped uint64        `json:"dropped" doc:"messages that were kept out since"`
}

type liftBanInput struct {
	Address string `path:"address" maxLength:"64" doc:"an address that is shut out, or one of its network"`
}

func (s *Server) banRoutes(h huma.API) {
	if s.opts.Bans == nil {
		return
	}
	register(s, h, operation{id: "list-bans", method: http.MethodGet, path: "/api/v1/bans", summary: "The addresses that the SIP port shuts out now, the newest first", access: accessAdmin},
		func(context.Context, *struct{}) (*body[[]banView], error) {
			views := []banView{}
			for _, b := range s.opts.Bans.Bans() {
				views = append(views, banView{
					Address: banned(b), Since: contact.Time(b.Since), Until: contact.Time(b.Until), Why: b.Why, Bad: b.Bad, Dropped: b.Dropped,
				})
			}
			return &body[[]banView]{views}, nil
		})
	register(s, h, operation{id: "export-bans", method: http.MethodGet, path: "/api/v1/bans.txt", summary: "The same for firewalls: one address or network a line", access: accessAdmin},
		func(context.Context, *struct{}) (*huma.StreamResponse, error) {
			return &huma.StreamResponse{Body: func(c huma.Context) {
				_, w := humago.Unwrap(c)
				w.Header().Set("Content-Type", "text/plain; charset=utf-8")
				w.Header().Set("Cache-Control", "no-store")
				for _, b := range s.opts.Bans.Bans() {
					_, _ = io.WriteString(w, banned(b)+"\n") // who asked may be gone
				}
			}}, nil
		})
	register(s, h, operation{id: "lift-ban", method: http.MethodDelete, path: "/api/v1/bans/{address}", summary: "Let an address in again", access: accessAdmin, status: http.StatusNoContent}, s.liftBan)
}

// banned is an IPv4 address, or a network of IPv6, as firewalls read it.
func banned(b sip.Ban) string {
	if b.Source.IsSingleIP() {
		return b.Source.Addr().String()
	}
	return b.Source.String()
}

func (s *Server) liftBan(ctx context.Context, in *liftBanInput) (*struct{}, error) {
	text, _, _ := strings.Cut(in.Address, "/")
	addr, err := netip.ParseAddr(text)
	if err != nil {
		return nil, contact.Errorf(contact.Invalid, "%q is no address; write one like 192.0.2.7 or 2001:db8::7", in.Address)
	}
	addr = addr.Unmap().WithZone("")
	there := slices.ContainsFunc(s.opts.Bans.Bans(), func(b sip.Ban) bool { return b.Source.Contains(addr) })
	if !there {
		return nil, contact.Errorf(contact.NotFound, "%s is not shut out", addr)
	}
	if err := s.audit.Record(ctx, Entry{Who: identityIn(ctx).User, Action: ActionBanLift, Target: addr.String()}); err != nil {
		return nil, err
	}
	s.opts.Bans.LiftBan(addr)
	return nil, nil
}
