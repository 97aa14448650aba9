# Callfloor. `make help` lists what there is; `make run` is where to begin.

SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DELETE_ON_ERROR:
MAKEFLAGS += --no-builtin-rules

BIN        := bin/callfloor
FUZZTIME   ?= 30s
SOAKTIME   ?= 30m
SOAKCALLS  ?= 10000
WEB        := agent-web
WEB_LIST   := $(shell find $(WEB) \( -name node_modules -o -name dist -o -name test \) -prune -o -type f ! -name '*.go' -print 2>/dev/null)
GO_LIST    := $(shell find . \( -name node_modules -o -name .git -o -name build -o -name callfloor-data \) -prune -o \( -name '*.go' -o -name '*.sql' -o -name '*.wav' -o -name '*.yaml' \) -print 2>/dev/null)

.PHONY: help
help: ## this list
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 16

.PHONY: run
run: build ## build everything and start the demo on this machine (data in ./callfloor-data)
	@exec ./$(BIN) serve --demo

.PHONY: build
build: $(BIN) ## the binary, with the pages in it: bin/callfloor

$(BIN): $(WEB)/dist/index.html go.mod go.sum $(GO_LIST)
	@echo "building $(BIN) (the first time takes a few minutes)"
	@CGO_ENABLED=0 go build -trimpath -o $@ ./cmd/callfloor

.PHONY: web
web: $(WEB)/dist/index.html ## the pages (Svelte, Vite) into agent-web/dist

$(WEB)/dist/index.html: $(WEB)/node_modules/.installed $(WEB_LIST)
	@echo "building the pages"
	@cd $(WEB) && npm run --silent build
	@touch $(WEB)/dist/.gitkeep $@

$(WEB)/node_modules/.installed: $(WEB)/package.json $(WEB)/package-lock.json
	@command -v npm >/dev/null || { echo "Node.js 20 or newer with npm is needed to build the pages" >&2; exit 1; }
	@echo "installing the pages' packages (npm ci)"
	@cd $(WEB) && npm ci --no-audit --no-fund --loglevel=error
	@touch $@

.PHONY: test
test: ## everything that continuous integration runs; installs what is missing where it may
	@bash scripts/test.sh

.PHONY: fuzz
fuzz: ## every fuzz target for FUZZTIME (30s)
	@bash scripts/fuzz.sh $(FUZZTIME)

.PHONY: soak
soak: build ## calls against a demo server for SOAKTIME (30m), watching memory and goroutines
	@bash scripts/soak.sh $(SOAKTIME)

.PHONY: soak-calls
soak-calls: build ## SOAKCALLS (10000) short calls by SIPp; ends with the memory, goroutines, descriptors, ports and dialogs it began with
	@bash scripts/soak-calls.sh $(SOAKCALLS)

.PHONY: bench
BENCH ?= -n 10,50,100,200,300 -runs 3
bench: ## measure the product beside its peers (those that are installed) and write docs/performance.md (an hour on a quiet machine; BENCH="-n 10,100 -runs 3 -seconds 5 -for 18m" is short)
	@go run ./bench $(BENCH) -add -json build/performance.json -write docs/performance.md

.PHONY: microbench
microbench: ## the benchmarks of the hot paths
	@go test -run '^$$' -bench . -benchmem ./media/... ./acd/... ./recordings/...

SCREENS := TestScreens|TestFloorOfFiveHundred|TestBesideTheCall|TestConsultAndHandOver|TestTwoCallsOnOneSeat|TestHeadsetCheck|TestTelephonyPages|TestFlowEditor
.PHONY: screens
screens: web ## a picture of every view into docs/screens (some minutes)
	@rm -f docs/screens/*.webp
	@CALLFLOOR_SCREENS=$(CURDIR)/docs/screens go test -count=1 -run '^($(SCREENS))$$' ./e2e

.PHONY: pages
pages: web ## measure the pages in Chromium and write docs/pages.md (a minute)
	@CALLFLOOR_PAGES=$(CURDIR)/docs/pages.md go test -count=1 -run '^TestFloorOfFiveHundred$$' ./e2e

.PHONY: schema
schema: $(WEB)/node_modules/.installed ## write the pages' types of the API, after a change of its routes
	@mkdir -p build
	@go test ./api -count 1 -run '^TestPagesKnowTheSchema$$' -schema $(CURDIR)/build/openapi.json >/dev/null
	@cd $(WEB) && npx --no-install openapi-typescript ../build/openapi.json --output ../build/schema.d.ts >/dev/null
	@{ echo "// Made by make schema of the document sha256:$$(sha256sum build/openapi.json | cut -d' ' -f1). Not to be edited."; cat build/schema.d.ts; } > $(WEB)/src/api/schema.d.ts

.PHONY: third-party
third-party: $(WEB)/node_modules/.installed ## write THIRD_PARTY.md
	@go run ./internal/thirdparty

.PHONY: clean
clean: ## take away what was built; data and packages stay
	@rm -rf bin $(WEB)/dist/assets $(WEB)/dist/index.html
