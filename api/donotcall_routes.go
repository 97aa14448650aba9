package api

import (
	"context"
	"net/http"
	"strconv"

	"github.com/danielgtaylor/huma/v2"

	"callfloor/contact"
	"callfloor/outbound"
)

// Imported is what came of a list of numbers.
type Imported struct {
	Read  int             `json:"read" doc:"numbers that were read"`
	Added int             `json:"added" doc:"those that were not on the list before"`
	Wrong []ImportedWrong `json:"wrong" doc:"the first 100 lines that were left out"`
	Left  int             `json:"left_out" doc:"how many lines were"`
}

// ImportedWrong is a line that was left out.
type ImportedWrong struct {
	Line int    `json:"line" doc:"from 1"`
	Why  string `json:"why"`
}

type listedView struct {
	Number string `json:"number" doc:"masked for all but administrators"`
	Since  string `json:"since"`
	By     string `json:"by"`
	Why    string `json:"why"`
}

type listedInput struct {
	Q string `query:"q" maxLength:"64" doc:"part of a number, of a reason or of who listed it; of numbers that are masked only a whole one"`
}

type listedOutput struct {
	Fit  string `header:"X-Total-Count" doc:"how many fit"`
	Body []listedView
}

type numberInput struct {
	Body struct {
		Number string `json:"number" minLength:"1" maxLength:"64"`
		Why    string `json:"why,omitempty" maxLength:"200"`
	}
}

type importInput struct {
	Body struct {
		CSV string `json:"csv" minLength:"1" maxLength:"4000000" doc:"a number a line, with its reason behind a comma or semicolon where it has one"`
		Why string `json:"why,omitempty" maxLength:"200" doc:"for lines without a reason of their own"`
	}
}

// importBody is how large a request to import may be, in octets.
const importBody = 8 << 20

func (s *Server) doNotCallRoutes(h huma.API, out Outbound) {
	const path = "/api/v1/do-not-call"
	register(s, h, operation{id: "list-do-not-call", method: http.MethodGet, path: path, summary: "Numbers that are not called, the newest first, at most 1000", access: accessSupervisor},
		func(ctx context.Context, in *listedInput) (*listedOutput, error) {
			masked := identityIn(ctx).Role != contact.RoleAdmin
			list, fit, err := out.DoNotCall(ctx, in.Q, masked)
			return &listedOutput{strconv.Itoa(fit), viewsOfListed(list, masked)}, err
		})
	register(s, h, operation{id: "add-do-not-call", method: http.MethodPost, path: path, summary: "Never call a number", access: accessAgent, status: http.StatusNoContent},
		func(ctx context.Context, in *numberInput) (*struct{}, error) {
			return nil, out.List(ctx, identityIn(ctx).User, in.Body.Number, in.Body.Why)
		})
	register(s, h, operation{id: "import-do-not-call", method: http.MethodPost, path: path + "/import", summary: "Never call the numbers of a list, at most 20,000", access: accessAdmin, body: importBody},
		func(ctx context.Context, in *importInput) (*body[Imported], error) {
			done, err := out.Import(ctx, identityIn(ctx).User, in.Body.CSV, in.Body.Why)
			return &body[Imported]{done}, err
		})
	register(s, h, operation{id: "remove-do-not-call", method: http.MethodPost, path: path + "/remove", summary: "Take a number off the do-not-call list", access: accessAdmin, status: http.StatusNoContent},
		func(ctx context.Context, in *numberInput) (*struct{}, error) {
			return nil, out.Unlist(ctx, identityIn(ctx).User, in.Body.Number, in.Body.Why)
		})
}

func viewsOfListed(list []outbound.Listed, masked bool) []listedView {
	views := []listedView{}
	for _, l := range list {
		v := listedView{Number: l.Number, Since: contact.Time(l.Since), By: l.By, Why: l.Why}
		if masked {
			v.Number = contact.Mask(v.Number)
		}
		views = append(views, v)
	}
	return views
}
