# make demo   everything set up and running; Ctrl-C ends it
# make test   everything set up and tested
# The other targets are listed by `make help`.

SHELL := /bin/sh
GO ?= go
BIN := bin
# The demo's folder; the settings know it under the same name.
SPORTELLO_DATA ?= .sportello
# Nothing here needs a C compiler.
export CGO_ENABLED ?= 0

VERSION := $(shell git describe --always --dirty 2>/dev/null || echo unknown)

TESTFLAGS ?=
.PHONY: help demo demo-reset build test poison e2e lint generate bench chaos rolling side-by-side fuzz clean bench-scale conformance

help: ## these lines
	@sed -n 's/^\([a-z0-9-]*\):.*## /\1\t/p' Makefile | expand -t 14

demo: ## install what is missing, build, and run the five communes on loopback
	@sh ops/bootstrap demo
	@$(MAKE) --no-print-directory build
	@exec $(BIN)/sportello demo

demo-reset: ## forget the demo's data
	@$(GO) run ./pkg/devstack/forget "$(SPORTELLO_DATA)"

build: ## bin/sportello
	@mkdir -p $(BIN)
	$(GO) build -trimpath -ldflags '-s -w -X github.com/sportello-ticino/sportello/app.Version=$(VERSION)' -o $(BIN)/sportello ./cmd/sportello

# The tests' own PostgreSQL starts with the first test that wants it and is
# stopped here. Two packages at a time: browsers and databases need room.
test: ## install what is missing and run every test
	@sh ops/bootstrap test
	@$(GO) vet ./... && { $(GO) test -timeout 20m $(TESTFLAGS) ./...; code=$$?; \
		$(GO) run ./pkg/pgtest/stop || code=1; exit $$code; }

poison: ## 100,000 transactions that fail in every way, under the race detector (needs a C compiler)
	@sh ops/bootstrap test
	@SPORTELLO_POISON=100000 CGO_ENABLED=1 $(GO) test -race -count=1 -timeout 20m -v -run '^TestPoisonedConnections$$' ./app/tenancy; code=$$?; $(GO) run ./pkg/pgtest/stop || code=1; exit $$code

e2e: ## only the journeys in a browser
	@sh ops/bootstrap test
	@$(GO) test -count=1 -timeout 20m -run '^Test(Journey|Kill)' ./...; code=$$?; $(GO) run ./pkg/pgtest/stop || code=1; exit $$code

lint: $(BIN)/golangci-lint $(BIN)/templ ## format, import map, static checks, generated files up to date; chart, compose file, alerts and dashboards
	@$(BIN)/golangci-lint run -c configs/golangci.yml ./...
	@sh ops/lint-bites $(BIN)/golangci-lint
	@sh ops/lint-generated $(BIN)/templ
	@cd ops/check && $(GO) vet ./... && $(GO) test -count=1 ./...

generate: $(BIN)/templ ## Go code of the templ files
	@$(BIN)/templ generate -path app

bench: build ## figures beside their floors (ops/bench/README.md)
	@sh ops/bootstrap test
	@$(GO) run ./ops/bench $(BENCHFLAGS)

CHAOSFLAGS ?=
chaos: build ## kill processes and servers at random for ten minutes, then count (CHAOSFLAGS="-for 1m")
	@sh ops/bootstrap demo
	@$(GO) run ./ops/chaos $(CHAOSFLAGS)

rolling: build ## replace every process under load: no request may fail
	@sh ops/bootstrap demo
	@$(GO) run ./ops/chaos -mode rolling -for 30s $(CHAOSFLAGS)

BEFORE ?= HEAD~1
side-by-side: build ## the commit before (BEFORE) and today's on the same data under load: no request may fail
	@sh ops/bootstrap demo
	@rm -rf $(BIN)/before && mkdir -p $(BIN)/before/src && git archive $(BEFORE) | tar -x -C $(BIN)/before/src
	@cd $(BIN)/before/src && $(GO) build -trimpath -o ../sportello ./cmd/sportello
	@rm -rf $(BIN)/before/src
	@$(GO) run ./ops/chaos -mode side-by-side -for 30s -before $(BIN)/before/sportello $(CHAOSFLAGS)

bench-scale: ## 2,110 communes in five databases, minutes long (ops/bench/README.md)
	@$(GO) run ./ops/bench -data .sportello/bench-scale -scale 2110 $(BENCHFLAGS)

# Node runs the SHACL engine; what it needs is installed beside its manifest.
conformance: ## hold linked data against the published shapes in SPORTELLO_STANDARDS_DIR (needs Node 20)
	@if [ -n "$$SPORTELLO_STANDARDS_DIR" ]; then npm ci --silent --no-audit --no-fund --prefix ops/conformance; fi
	@$(GO) run ./ops/conformance

FUZZTIME ?= 20s
fuzz: ## every fuzz test for FUZZTIME (20s)
	@grep -rl --include='*_test.go' '^func Fuzz' app pkg | while read -r file; do \
		for name in $$(sed -n 's/^func \(Fuzz[A-Za-z0-9_]*\).*/\1/p' "$$file"); do \
			echo "$$name"; $(GO) test -run '^$$' -fuzz "^$$name\$$" -fuzztime $(FUZZTIME) "./$$(dirname "$$file")" || exit 1; \
		done; done

clean: ## built files (not the demo's data)
	@rm -rf $(BIN)

# Tools have a module of their own, so that none of what they need is the product's.
$(BIN)/golangci-lint: ops/tools/go.mod ops/tools/go.sum
	@mkdir -p $(BIN)
	@echo "building golangci-lint (two minutes the first time)"
	@cd ops/tools && $(GO) build -o ../../$@ github.com/golangci/golangci-lint/v2/cmd/golangci-lint

$(BIN)/templ: ops/tools/go.mod ops/tools/go.sum
	@mkdir -p $(BIN)
	@cd ops/tools && $(GO) build -o ../../$@ github.com/a-h/templ/cmd/templ
