package api

import (
	"crypto/sha256"
	"flag"
	"fmt"
	"net/http"
	"os"
	"strings"
	"testing"
)

var schemaTo = flag.String("schema", "", "write the OpenAPI document of all routes to this file")

// pagesSchema are the pages' types, made of the document by `make schema`.
const pagesSchema = "../agent-web/src/api/schema.d.ts"

// noFigures is Figures by another name: the method is called like the type.
type figures = Figures

type noFigures struct{ figures }

// everyRoute gives a server the demo and every room that has routes; what is
// behind them answers nothing.
func everyRoute(o *Options) {
	o.Demo = true
	o.Flows, o.Prompts, o.FlowCalls = struct{ Flows }{}, struct{ Prompts }{}, struct{ FlowCalls }{}
	o.Outbound, o.Registered, o.Tasks, o.Staffing = struct{ Outbound }{}, struct{ Registered }{}, struct{ Tasks }{}, struct{ Staffing }{}
	o.Customers, o.Knowledge, o.Figures = struct{ Customers }{}, struct{ Knowledge }{}, noFigures{}
	o.Webhooks, o.Bans = struct{ Webhooks }{}, &testBans{}
}

// atLocalhost asks as the demo wants to be asked.
func atLocalhost(r *http.Request) { r.Host = "localhost:8080" }

// Every type of the API that the pages use comes from the document that the API
// serves: the types name the document that they were made of.
func TestPagesKnowTheSchema(t *testing.T) {
	h := newTestHouse(t, everyRoute)
	doc := h.want(200, "GET", "/api/v1/openapi.json", "", "", atLocalhost).Body.Bytes()
	sum := fmt.Sprintf("sha256:%x", sha256.Sum256(doc))
	if *schemaTo != "" {
		if err := os.WriteFile(*schemaTo, doc, 0o600); err != nil {
			t.Fatal(err)
		}
		fmt.Println("document", sum)
		return
	}
	types, err := os.ReadFile(pagesSchema)
	if err != nil {
		t.Fatal(err)
	}
	if first, _, _ := strings.Cut(string(types), "\n"); !strings.Contains(first, sum) {
		t.Errorf("the API is another one than %s was made of: run make schema", pagesSchema)
	}
}
