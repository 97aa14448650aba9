// Package imports holds the house's walls: a test over `go list` that says which
// room may import which (docs/architecture.md has the table).
package imports
