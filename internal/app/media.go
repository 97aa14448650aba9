package app

import (
	"log/slog"
	"os"

	"callfloor/media"
)

// plainMedia is the environment's way to compare: a goroutine for each media
// socket instead of the engine.
const plainMedia = "CALLFLOOR_PLAIN_MEDIA"

// mediaEngine returns nil, which is no engine, where the environment asks for
// it.
func mediaEngine(log *slog.Logger) *media.Engine {
	if os.Getenv(plainMedia) != "" {
		log.Warn("media sockets are read by a goroutine each, which costs about twice as much", "because", plainMedia)
		return nil
	}
	return media.NewEngine(log)
}
