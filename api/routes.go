package api

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/netip"
	"path"
	"reflect"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humago"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"callfloor/contact"
)

// routes joins everything that the server answers.
func (s *Server) routes() http.Handler {
	mux := http.NewServeMux()
	h := humago.New(mux, humaConfig(s.opts.Version))
	s.sessionRoutes(h)
	s.preferenceRoutes(h)
	s.userRoutes(h)
	s.phoneRoutes(h)
	s.contactRoutes(h)
	s.banRoutes(h)
	s.callRoutes(h)
	s.outboundRoutes(h)
	s.targetRoutes(h)
	s.recordingRoutes(h)
	s.demoRoutes(h)
	s.flowRoutes(h)
	s.flowCallRoutes(h)
	s.promptRoutes(h)
	if s.opts.Tasks != nil {
		s.taskRoutes(h)
	}
	if s.opts.Staffing != nil {
		s.staffingRoutes(h)
	}
	if s.opts.Customers != nil {
		s.customerRoutes(h)
	}
	if s.opts.Figures != nil {
		s.figuresRoutes(h)
	}
	if s.opts.Knowledge != nil {
		s.knowledgeRoutes(h)
	}
	if s.opts.Webhooks != nil {
		s.webhookRoutes(h)
	}
	describe(h.OpenAPI())

	mux.Handle("GET /api/v1/seat", s.opts.Seats)
	mux.HandleFunc("/api/", func(w http.ResponseWriter, r *http.Request) {
		if s.opts.Outbound == nil && aboutTrunks(r) {
			writeError(w, contact.Errorf(contact.NoTrunk, "there are no trunks, so nothing can be called; add them under trunks: in the configuration"))
			return
		}
		writeError(w, contact.Errorf(contact.NotFound, "there is no %s %s; /api/v1/openapi.json lists what there is", r.Method, r.URL.Path))
	})
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) { writeJSON(w, http.StatusOK, map[string]bool{"ok": true}) })
	mux.HandleFunc("GET /readyz", s.readyz)
	mux.Handle("GET /metrics", s.guardMetrics(promhttp.HandlerFor(s.opts.Metrics, promhttp.HandlerOpts{})))
	mux.Handle("/", s.opts.Pages)
	return mux
}

// aboutTrunks says whether a request is for what only a house with trunks has.
func aboutTrunks(r *http.Request) bool {
	room, _, _ := strings.Cut(strings.TrimPrefix(r.URL.Path, "/api/v1/"), "/")
	return room == "trunks" || room == "outbound" || room == "do-not-call" || room == "calls" && r.Method == http.MethodPost
}

func humaConfig(version string) huma.Config {
	c := huma.DefaultConfig("Callfloor", version)
	c.OpenAPIPath = "/api/v1/openapi"
	c.DocsPath, c.SchemasPath, c.CreateHooks = "", "", nil
	c.Transformers = []huma.Transformer{ourErrors}
	c.Components.Schemas = huma.NewMapRegistry("#/components/schemas/", schemaName)
	// JSON only, and always: what a client accepts does not change it.
	c.NoFormatFallback = false
	c.Components.SecuritySchemes = map[string]*huma.SecurityScheme{
		"bearer": {Type: "http", Scheme: "bearer"},
		"cookie": {Type: "apiKey", In: "cookie", Name: CookieName},
	}
	return c
}

// schemaName names a type of another room after it, CallRecord for call.Record.
func schemaName(t reflect.Type, hint string) string {
	name := huma.DefaultSchemaNamer(t, hint)
	for t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	room := path.Base(t.PkgPath())
	if t.Name() == "" || room == "." || room == "api" || strings.Contains(t.PkgPath(), "huma") {
		return name
	}
	return strings.ToUpper(room[:1]) + room[1:] + name
}

// access says who may use an operation.
type access int

// Open: anybody. SignedIn: also with a password that must be changed first.
// The others need a settled password and the role or more.
const (
	accessOpen access = iota
	accessSignedIn
	accessAgent
	accessSupervisor
	accessAdmin
)

// said is how the document says whom an operation is for.
func (a access) said() string {
	return map[access]string{
		accessOpen: "For anybody.", accessSignedIn: "For everybody who has signed in, with a one-time password too.",
		accessAgent: "For everybody who has signed in.", accessSupervisor: "For supervisors and administrators.", accessAdmin: "For administrators.",
	}[a]
}

// operation is one row of the API: what huma registers.
type operation struct {
	id, method, path, summary string
	access                    access
	status                    int   // of success; 0 is 200, or 204 without a body
	body                      int64 // octets of a request at most; 0 is 64 kB
}

type requestKey struct{}

// request is what handlers need of the HTTP request.
type request struct {
	identity Identity
	from     netip.Addr
	secure   bool // it came by HTTPS, to us or to a proxy of ours
}

func requestOf(ctx context.Context) request {
	r, _ := ctx.Value(requestKey{}).(request)
	return r
}

func identityIn(ctx context.Context) Identity { return requestOf(ctx).identity }

// register adds one operation with its access check; a foreign error of the
// handler is logged here and nowhere else, and its text is not answered.
func register[I, O any](s *Server, h huma.API, op operation, handle func(context.Context, *I) (*O, error)) {
	o := huma.Operation{
		OperationID: op.id, Method: op.method, Path: op.path, Summary: op.summary, Description: op.access.said(), DefaultStatus: op.status,
		MaxBodyBytes: cmp.Or(op.body, 64<<10), BodyReadTimeout: readTimeout,
	}
	if op.body > 0 {
		o.BodyReadTimeout = bigReadTimeout
	}
	if op.access != accessOpen {
		o.Security = []map[string][]string{{"bearer": {}}, {"cookie": {}}}
	}
	o.Middlewares = huma.Middlewares{s.admit(op)}
	huma.Register(h, o, func(ctx context.Context, in *I) (*O, error) {
		out, err := handle(ctx, in)
		if err != nil {
			s.logFault(ctx, "request failed", op, err)
			return nil, shown(err)
		}
		return out, nil
	})
}

// logFault logs an error that is not the client's. One who closed the page while
// it was being answered is no fault of anybody.
func (s *Server) logFault(ctx context.Context, message string, op operation, err error) {
	if shown(err).Code != contact.Internal || ctx.Err() != nil && errors.Is(err, context.Canceled) {
		return
	}
	s.log.ErrorContext(ctx, message, "operation", op.id, "error", err)
}

// admit is the middleware that finds who asks and refuses who may not.
func (s *Server) admit(op operation) func(huma.Context, func(huma.Context)) {
	need := op.access
	return func(ctx huma.Context, next func(huma.Context)) {
		r, w := humago.Unwrap(ctx)
		req := request{from: clientAddr(r, s.opts.Config.Proxies), secure: s.cameSecure(r)}
		var err error
		if need != accessOpen {
			req.identity, err = s.accounts.Authenticate(r, "")
			if err == nil {
				err = allowed(req.identity, need)
			}
		}
		if err != nil {
			s.logFault(r.Context(), "authentication failed", op, err)
			writeError(w, err)
			return
		}
		if op.body > 0 { // the answer comes after all of it
			_ = http.NewResponseController(w).SetWriteDeadline(time.Now().Add(bigReadTimeout + writeTimeout))
		}
		next(huma.WithValue(ctx, requestKey{}, req))
	}
}

// allowed says why id may not use an operation that needs the given access.
func allowed(id Identity, need access) error {
	if need == accessSignedIn {
		return nil
	}
	if id.MustChangePassword {
		return &Error{Code: CodePasswordChange, Message: "this password is for one sign-in only; set one of your own first", status: http.StatusForbidden}
	}
	rank := map[contact.Role]access{contact.RoleAgent: accessAgent, contact.RoleSupervisor: accessSupervisor, contact.RoleAdmin: accessAdmin}[id.Role]
	if rank < need {
		return contact.Errorf(contact.Forbidden, "this is not for the role %s", id.Role)
	}
	return nil
}

// readyz answers 200 when nothing is in trouble, and 503 with the reasons.
func (s *Server) readyz(w http.ResponseWriter, r *http.Request) {
	troubles := s.opts.Troubles(r.Context())
	if len(troubles) == 0 {
		writeJSON(w, http.StatusOK, map[string]any{"ready": true, "troubles": []Trouble{}})
		return
	}
	writeJSON(w, http.StatusServiceUnavailable, map[string]any{"ready": false, "troubles": troubles})
}

// guardMetrics lets programs on this machine and administrators read.
func (s *Server) guardMetrics(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !fromThisMachine(r) {
			id, err := s.accounts.Authenticate(r, "")
			if err == nil {
				err = allowed(id, accessAdmin)
			}
			if err != nil {
				writeError(w, err)
				return
			}
		}
		next.ServeHTTP(w, r)
	})
}

func writeJSON(w http.ResponseWriter, status int, v any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(v) // the client may be gone
}

// sessionCookie carries token for life; an empty token takes the cookie away.
func sessionCookie(token string, life time.Duration, secure bool) http.Cookie {
	c := http.Cookie{Name: CookieName, Value: token, Path: "/", HttpOnly: true, SameSite: http.SameSiteStrictMode, Secure: secure, MaxAge: int(life / time.Second)}
	if token == "" {
		c.MaxAge = -1
	}
	return c
}
