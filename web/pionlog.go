package web

import (
	"context"
	"fmt"
	"log/slog"

	"github.com/pion/logging"
)

// logFactory turns pion's logs into slog records: one constant message, the
// text as an attribute. What pion calls a warning or an error is mostly a
// browser that went away, so both are debug here; what matters to a person is
// the state of the peer connection, which Seat logs itself.
type logFactory struct{ log *slog.Logger }

// NewLogger implements logging.LoggerFactory.
func (f logFactory) NewLogger(scope string) logging.LeveledLogger {
	return pionLog{f.log.With("scope", scope)}
}

type pionLog struct{ log *slog.Logger }

func (l pionLog) write(text string) { l.log.Debug("webrtc", "text", text) }

func (l pionLog) writef(format string, args ...any) {
	if l.log.Enabled(context.Background(), slog.LevelDebug) {
		l.write(fmt.Sprintf(format, args...))
	}
}

// Trace is dropped: it is one line for each packet.
func (l pionLog) Trace(string)                 {}
func (l pionLog) Tracef(string, ...any)        {}
func (l pionLog) Debug(text string)            { l.write(text) }
func (l pionLog) Debugf(f string, args ...any) { l.writef(f, args...) }
func (l pionLog) Info(text string)             { l.write(text) }
func (l pionLog) Infof(f string, args ...any)  { l.writef(f, args...) }
func (l pionLog) Warn(text string)             { l.write(text) }
func (l pionLog) Warnf(f string, args ...any)  { l.writef(f, args...) }
func (l pionLog) Error(text string)            { l.write(text) }
func (l pionLog) Errorf(f string, args ...any) { l.writef(f, args...) }
