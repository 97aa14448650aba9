// Package e2e holds the tests of the whole product: the built binary, real SIP
// peers (sipp, baresip, its own phone), and headless Chromium, over loopback.
package e2e
