package recordings

import (
	"fmt"
	"time"
)

// Config is what a house may set about recordings.
type Config struct {
	// Retention is how long a recording is kept before Sweep erases it; a
	// recording on hold is kept longer.
	Retention time.Duration `yaml:"retention"`
	// MinFree is how many octets must be free on the disk of the captures for a
	// recording to start and for Healthy to be content.
	MinFree uint64 `yaml:"min_free"`
}

// DefaultConfig returns 180 days and 256 MiB.
func DefaultConfig() Config {
	return Config{Retention: 180 * 24 * time.Hour, MinFree: 256 << 20}
}

// Validate names the first wrong setting and what would be right.
func (c Config) Validate() error {
	if c.Retention < 24*time.Hour {
		return fmt.Errorf("retention is %v; recordings are kept at least 24h (the usual is 4320h, 180 days)", c.Retention)
	}
	if c.MinFree < 1<<20 {
		return fmt.Errorf("min_free is %d octets; at least 1048576 (1 MiB) must stay free", c.MinFree)
	}
	return nil
}
