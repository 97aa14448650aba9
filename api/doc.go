// Package api is HTTP for people and programs: sign-in, roles, the audit log
// and the resources under /api/v1 with their OpenAPI description. It mounts the
// seat socket and the pages that it is handed, and answers /healthz, /readyz
// and /metrics.
//
// It decides nothing about calls: it reads them through the interfaces in
// Options.
package api
