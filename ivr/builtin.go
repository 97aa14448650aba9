package ivr

import (
	"embed"
	"io/fs"
)

//go:embed flows/*.yaml
var flows embed.FS

//go:embed prompts/prompts.yaml prompts/en prompts/zh prompts/music
var prompts embed.FS

// BuiltinFlows holds the flows of the demo lines: full.yaml, announced.yaml,
// unrecorded.yaml, ringing.yaml, hangup.yaml and echo.yaml; and offers.yaml,
// whose queue offers a call back and a voicemail.
func BuiltinFlows() fs.FS { return folder(flows, "flows") }

// BuiltinPrompts holds the prompts and the music that the built-in flows play.
func BuiltinPrompts() fs.FS { return folder(prompts, "prompts") }

func folder(fsys embed.FS, name string) fs.FS {
	sub, err := fs.Sub(fsys, name)
	if err != nil {
		panic(err) // only for an invalid name, and the names are written above
	}
	return sub
}
