package api

import (
	"context"
	"encoding/csv"
	"io"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humago"

	"callfloor/call"
	"callfloor/contact"
)

// ActionCallsExport is somebody who takes the list of calls away as a file.
const ActionCallsExport Action = "calls_export"

const (
	// exportPage is how many calls are read, and held in memory, at a time.
	exportPage = 1000
	// exportTakes bounds the whole of it, however slow the line.
	exportTakes = time.Hour
)

// exportCalls streams calls page by page; who reads slowly holds no transaction.
func (s *Server) exportCalls(ctx context.Context, in *CallFilter) (*huma.StreamResponse, error) {
	q := in.query(ctx)
	q.Limit = exportPage
	page, err := s.callsPage(ctx, q)
	if err != nil {
		return nil, err
	}
	who := identityIn(ctx)
	e := Entry{Who: who.User, Action: ActionCallsExport, Target: "calls", Details: map[string]any{
		"line": q.Line, "agent": q.Agent, "tags": q.Tags, "whole_numbers": who.Role == contact.RoleAdmin,
	}}
	for key, at := range map[string]time.Time{"from": q.From, "before": q.Before} {
		if !at.IsZero() {
			e.Details[key] = contact.Time(at)
		}
	}
	if err := s.audit.Record(ctx, e); err != nil {
		return nil, err
	}
	return &huma.StreamResponse{Body: func(c huma.Context) {
		_, w := humago.Unwrap(c)
		_ = http.NewResponseController(w).SetWriteDeadline(time.Now().Add(exportTakes))
		w.Header().Set("Content-Type", "text/csv; charset=utf-8")
		w.Header().Set("Content-Disposition", `attachment; filename="calls.csv"`)
		if err := s.writeCalls(ctx, w, q, page); err != nil {
			s.log.WarnContext(ctx, "an export of calls was cut off", "user", who.User, "error", err)
			panic(http.ErrAbortHandler) // lest it be taken for whole
		}
	}}, nil
}

// writeCalls writes page, which is the first of q, and those that follow. A byte
// order mark comes first: without it spreadsheets misread Chinese.
func (s *Server) writeCalls(ctx context.Context, to io.Writer, q call.Query, page []call.Record) error {
	if _, err := io.WriteString(to, "\ufeff"); err != nil {
		return err
	}
	w := csv.NewWriter(to)
	w.UseCRLF = true
	if err := w.Write(callColumns); err != nil {
		return err
	}
	for {
		for _, r := range page {
			if err := w.Write(callCells(r)); err != nil {
				return err
			}
		}
		w.Flush()
		if err := w.Error(); err != nil || len(page) < q.Limit {
			return err
		}
		last := page[len(page)-1]
		q.Before, q.BeforeID = last.Started.Time(), last.ID
		var err error
		if page, err = s.callsPage(ctx, q); err != nil {
			return err
		}
	}
}

// callColumns are named like the fields of a call's JSON; what is not among those
// is talked, the seconds from the answer to the end.
var callColumns = []string{
	"id", "started", "direction", "line", "from", "name", "trust", "diverted_from", "queue", "agent", "queued", "answered", "ended", "talked",
	"end_by", "end_class", "end_sip", "consent", "recording", "disposition", "note", "tags", "csat", "disposition_by",
}

// callCells is a call as a row of callColumns.
func callCells(r call.Record) []string {
	var talked, by, class, sip, csat string
	if r.Answered != nil && r.Ended != nil {
		talked = strconv.FormatFloat(r.Ended.Time().Sub(r.Answered.Time()).Seconds(), 'f', 3, 64)
	}
	if r.End != nil {
		by, class = string(r.End.By), string(r.End.Class)
		if r.End.SIP != 0 {
			sip = strconv.Itoa(int(r.End.SIP))
		}
	}
	if r.CSAT != nil {
		csat = strconv.Itoa(*r.CSAT)
	}
	cells := []string{
		string(r.ID), stampCell(&r.Started), r.Direction, string(r.Line), r.From, textCell(r.Name), textCell(r.Trust), textCell(r.DivertedFrom),
		textCell(r.Queue), textCell(r.Agent), stampCell(r.Queued), stampCell(r.Answered), stampCell(r.Ended), talked,
		by, class, sip, string(r.Consent), textCell(r.Recording), textCell(r.Disposition), textCell(r.Note), tagsCell(r.Tags), csat, textCell(r.DispositionBy),
	}
	for i := range cells {
		cells[i] = plainCell(cells[i])
	}
	return cells
}

// plainCell keeps a spreadsheet from taking a text for a formula: callers choose
// their names. The wide signs are formulas where Chinese is typed.
func plainCell(v string) string {
	if first := strings.TrimLeft(v, " "); first != "" && strings.ContainsRune("=+-@\t\r\n＝＋－＠", []rune(first)[0]) {
		return "'" + v
	}
	return v
}

func textCell[T ~string](v *T) string {
	if v == nil {
		return ""
	}
	return string(*v)
}

func stampCell(at *call.Stamp) string {
	if at == nil {
		return ""
	}
	return contact.Time(at.Time())
}

// tagsCell is a call's tags as the list is asked for them: GROUP=TAG, in order.
func tagsCell(tags contact.Tags) string {
	var all []string
	for group, chosen := range tags {
		for _, tag := range chosen {
			all = append(all, group+"="+tag)
		}
	}
	slices.Sort(all)
	return strings.Join(all, " ")
}
