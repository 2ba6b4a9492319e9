# `make` lists the targets. Everything else is plain go.

SHELL := /bin/bash -o pipefail
.DEFAULT_GOAL := help

VERSION   ?= $(shell git describe --tags --always --dirty 2>/dev/null || echo devel)
LDFLAGS   := -s -w -X github.com/cyan-cloud/cyan/internal/build.version=$(VERSION)
PLATFORMS := linux/amd64 linux/arm64 darwin/arm64 windows/amd64
FUZZTIME  ?= 10s
FUZZ      ?= ./...
BENCHTIME ?= 1s
SEED      ?= 1
SEEDS     ?= $(if $(filter-out 0,$(BUDGET)),1000000,100)
BUDGET    ?= 0
FAULTS    ?= 8
N         ?= 10
SETS      ?= 2

# Tools are pinned here, built into .bin/ and kept out of go.mod.
TOOLS := $(CURDIR)/.bin
GOFUMPT_VERSION     := v0.12.0
STATICCHECK_VERSION := v0.8.2
DEADCODE_VERSION    := v0.52.0
GOLANGCI_VERSION    := v2.15.0
GOFUMPT     := $(TOOLS)/gofumpt-$(GOFUMPT_VERSION)
STATICCHECK := $(TOOLS)/staticcheck-$(STATICCHECK_VERSION)
DEADCODE    := $(TOOLS)/deadcode-$(DEADCODE_VERSION)
GOLANGCI    := $(TOOLS)/golangci-lint-$(GOLANGCI_VERSION)

.PHONY: help
help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-12s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

.PHONY: build
build: ## build bin/cyan
	CGO_ENABLED=0 go build -trimpath -ldflags '$(LDFLAGS)' -o bin/cyan ./cmd/cyan

.PHONY: man
man: build ## write the manual pages into bin/man/man1
	bin/cyan man bin/man/man1

.PHONY: up
up: build ## start a whole cloud here, with a virtual device to look at
	bin/cyan up --demo

.PHONY: test
test: ## run all tests
	go mod download
	go test -shuffle=on -timeout 20m ./...

.PHONY: check
check: format vet staticcheck lint deadcode cross race ## everything a change must pass besides the tests

.PHONY: format
format: $(GOFUMPT) ## list files that gofumpt would change, and fail if there are any
	@echo "gofumpt"
	@unformatted=$$($(GOFUMPT) -l $$(git ls-files --cached --others --exclude-standard '*.go')); \
	if [ -n "$$unformatted" ]; then echo "run $(GOFUMPT) -w on:"; echo "$$unformatted"; exit 1; fi

.PHONY: vet
vet: ## go vet
	go vet ./...

.PHONY: staticcheck
staticcheck: $(STATICCHECK) ## staticcheck
	$(STATICCHECK) ./...

.PHONY: lint
lint: $(GOLANGCI) ## golangci-lint, as .golangci.yml says
	$(GOLANGCI) run ./...

.PHONY: deadcode
deadcode: $(DEADCODE) ## list functions that nothing reaches, and fail if there are any
	@echo "deadcode"
	@dead=$$($(DEADCODE) -test ./...) || exit 1; if [ -n "$$dead" ]; then echo "$$dead"; exit 1; fi

.PHONY: cross
cross: ## build for every platform we promise
	@for p in $(PLATFORMS); do \
		echo "build $$p"; \
		CGO_ENABLED=0 GOOS=$${p%/*} GOARCH=$${p#*/} go build ./... || exit 1; \
	done

.PHONY: race
race: ## run all tests with the race detector (needs a C compiler)
	@if command -v "$$(go env CC)" >/dev/null; then \
		echo "go test -race ./..."; CGO_ENABLED=1 go test -race -shuffle=on -timeout 30m ./...; \
	else echo "race: no C compiler here, left out"; fi

# An input that leads to something new is made shorter, by standard for a minute each: where maps and clocks have a say
# nothing else would be done.
.PHONY: fuzz
fuzz: ## run every fuzz target of FUZZ (./...) for FUZZTIME (10s, or inputs: 5000x)
	@go list -f '{{.Dir}} {{range .TestGoFiles}}{{.}} {{end}}{{range .XTestGoFiles}}{{.}} {{end}}' $(FUZZ) | \
	while read -r dir files; do \
		for target in $$(cd "$$dir" && grep -hoE '^func Fuzz[A-Za-z0-9_]+' $$files /dev/null | cut -c6- | sort -u); do \
			echo "fuzz $${dir#$(CURDIR)/} $$target"; \
			(cd "$$dir" && go test -run '^$$' -fuzz "^$$target\$$" -fuzztime $(FUZZTIME) -fuzzminimizetime 10x .) </dev/null || exit 1; \
		done || exit 1; \
	done

.PHONY: sim
sim: ## simulate clouds from SEEDS seeds (100) from SEED on, or for a time: BUDGET=3m
	go test ./test/detsim -run 'TestSeeds$$' -count 1 -timeout 0 -v -seed $(SEED) -seeds $(SEEDS) -budget $(BUDGET)

.PHONY: fault
fault: ## break processes, networks and disks under a cloud, 4 minutes (Linux; LONG=1: 9; CYAN_DEVICE_OS: real devices)
	go test ./test/fault -run 'TestFaults$$' -count 1 -timeout 30m -v -parallel $(FAULTS) -every $(if $(LONG),-long) $(if $(JSON),-json) | \
		grep -v -e '^=== ' -e 'level='

.PHONY: golden
golden: ## play the 31st of May with a thousand devices, and write docs/golden.md (20 minutes; WITHOUT=canaries: see it fail)
	go test ./test/watch/golden -run 'TestGolden$$' -count 1 -timeout 60m -v $(if $(WITHOUT),-without $(WITHOUT),-whole -record $(CURDIR)/docs/golden.md) | \
		grep -v -e '^=== ' -e 'level='

.PHONY: detect
detect: ## let new connections fail N times (10), SETS at once (2), and write docs/perf/detection.md (Linux; 90 s each)
	go test ./test/watch/detect -run '^$$' -bench Detection -benchtime 1x -timeout 0 -injections $(N) -sets $(SETS) -seed $(SEED) -record $(CURDIR)/docs/perf/detection.md $(if $(KEEP),-keep $(abspath $(KEEP)))

# VERDICTS keeps what came out, row by row: rows that are run again replace theirs.
VERDICTS ?= $(CURDIR)/bin/verdicts.jsonl

.PHONY: verdict
verdict: ## what the watchtower makes of each fault of the catalogue, half an hour (Linux), into docs/runbook/watched.md
	@mkdir -p $(dir $(VERDICTS))
	go test ./test/verdict -run 'TestVerdicts$$' -count 1 -timeout 90m -v -parallel 6 -every -lines $(VERDICTS) -table $(CURDIR)/docs/runbook/watched.md | \
		grep -v -e '^=== ' -e 'level='

.PHONY: bench
bench: build ## measure a whole cloud, about 15 minutes, and write docs/perf
	bin/cyan bench all --record docs/perf

.PHONY: screenshots
screenshots: ## have Chromium take pictures of the status page into docs/watch, and measure it on the smallest screen
	go test -count 1 ./watch/status -run 'TestLooks$$' -v -shots $(CURDIR)/docs/watch

.PHONY: upgrade-100
upgrade-100: build ## a hundred upgrades in a row: under devices of every generation, and under 10,000 on DTLS and 2,000 on TCP
	CYAN_UPGRADES=100 go test -count=1 -timeout 30m -run 'TestUpgrade' ./test/journey
	bin/cyan bench restart --devices 10000 --tcp-devices 2000 --upgrades 100 --json

.PHONY: microbench
microbench: ## run the benchmarks of single packages
	go test -run '^$$' -bench . -benchmem -benchtime $(BENCHTIME) ./...

.PHONY: compat
compat: ## run the stock clients of npm and write their table (Linux, Node and npm)
	go test -tags compat -timeout 30m -parallel 4 ./test/compat -update

# CI runs the two versions that matter most and the newest, which brings its own
# Node. Whole, with all that was ever run, it takes a quarter of an hour.
COMPAT_CI := cli-(2\.6\.0|2\.7\.0|3\.51\.0)

.PHONY: compat-ci
compat-ci: ## run three of them, about five minutes, and compare (left out without Node and npm)
	@if command -v node >/dev/null && command -v npm >/dev/null; then \
		go test -tags compat -count 1 -timeout 20m -parallel 3 ./test/compat -run 'TestClients/run/$(COMPAT_CI)$$'; \
	else echo "compat-ci: no Node or no npm here, stock clients were not run"; fi

.PHONY: tools
tools: $(GOFUMPT) $(STATICCHECK) $(DEADCODE) $(GOLANGCI) ## build the pinned tools into .bin/

# A tool's file carries its version, so that a new pin builds a new tool.
define install
@echo "build $(notdir $@)"
@mkdir -p $(TOOLS)/new
@GOBIN=$(TOOLS)/new GOFLAGS= go install $(1)
@mv $(TOOLS)/new/$(2) $@
endef

$(GOFUMPT):
	$(call install,mvdan.cc/gofumpt@$(GOFUMPT_VERSION),gofumpt)
$(STATICCHECK):
	$(call install,honnef.co/go/tools/cmd/staticcheck@$(STATICCHECK_VERSION),staticcheck)
$(DEADCODE):
	$(call install,golang.org/x/tools/cmd/deadcode@$(DEADCODE_VERSION),deadcode)
$(GOLANGCI):
	$(call install,github.com/golangci/golangci-lint/v2/cmd/golangci-lint@$(GOLANGCI_VERSION),golangci-lint)

.PHONY: clean
clean: ## delete what was built (not the data)
	rm -rf bin .bin
