package sip

import (
	"context"
	"log/slog"
)

// demoted passes sipgo's logs on as debug, without the whole messages that they
// hold (SRTP keys may be in them): they are full of the
// numbers of callers, and call a stranger's odd packet an error.
type demoted struct{ slog.Handler }

// longestLogged is how much of one value sipgo may log, in octets.
const longestLogged = 200

func (d demoted) Enabled(ctx context.Context, _ slog.Level) bool {
	return d.Handler.Enabled(ctx, slog.LevelDebug)
}

func (d demoted) Handle(ctx context.Context, r slog.Record) error {
	clean := slog.NewRecord(r.Time, slog.LevelDebug, r.Message, r.PC)
	r.Attrs(func(a slog.Attr) bool {
		if a.Key == "data" { // a whole message that could not be parsed, with SRTP keys in it maybe
			a = slog.Int("octets", len(a.Value.String()))
		} else if text := a.Value.String(); len(text) > longestLogged { // a stranger chose it
			a = slog.String(a.Key, printable(text, longestLogged))
		}
		clean.AddAttrs(a)
		return true
	})
	return d.Handler.Handle(ctx, clean)
}

func (d demoted) WithAttrs(a []slog.Attr) slog.Handler { return demoted{d.Handler.WithAttrs(a)} }
func (d demoted) WithGroup(n string) slog.Handler      { return demoted{d.Handler.WithGroup(n)} }
