// Package ivr is the flow language: files that say what a customer hears and
// may choose, their checker, and the interpreter that runs one beside a call.
// It opens no socket and no file of its own: flows and prompts come from an
// fs.FS.
package ivr
