# Everything that is checked is a target here; CI runs `make test` and no more.
.DEFAULT_GOAL := help
SHELL         := bash
.SHELLFLAGS   := -euo pipefail -c

# The race detector needs a C compiler; without one the same tests run without.
CC_FOUND := $(shell command -v $$(go env CC) 2>/dev/null)
ifneq ($(CC_FOUND),)
RACE := -race
export CGO_ENABLED := 1
endif

# What has been vetted is not vetted again, and nobody debugs these binaries.
LEAN := -vet=off -ldflags=-w -gcflags=-dwarf=false

LINT    := go tool -modfile=tools/go.mod golangci-lint
# How long `make chaos` stays at each fuzz target, and how often it repeats.
FUZZTIME ?= 30s
COUNT    ?= 20

.PHONY: help
help: ## this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-11s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

.PHONY: setup
setup: ## install what the tests need (Debian), or say what to install
	@tools/setup.sh

.PHONY: build
build: ## bin/grind
	go build -o bin/grind ./cmd/grind

.PHONY: test
test: setup ## everything: vet, all tests, the side modules, every unit verified
	go vet ./...
	cd bench && go vet ./... && go test $(LEAN) ./...
	cd tools && go build -o /dev/null tool
	go test $(RACE) $(LEAN) ./...
	go run ./cmd/grind verify

.PHONY: test-short
test-short: ## the tests that need nothing installed, quickly
	go test -short ./...

.PHONY: lint
lint: ## golangci-lint, as pinned in tools/go.mod
	$(LINT) run
	cd bench && go tool -modfile=../tools/go.mod golangci-lint run

.PHONY: fmt
fmt: ## format all Go code
	gofmt -w $(wildcard cmd kit course internal docs bench)

.PHONY: tidy
tidy: ## go.mod of all three modules, after a change of dependencies
	for module in . bench tools; do (cd $$module && go mod tidy); done

.PHONY: update
update: setup ## rewrite golden files, and the fences and console blocks of the texts
	@for dir in $$(grep -rlE --include='*_test.go' 'flag\.Bool\("update"|lesson\.Test\(|unittest\.' . | xargs -r -n1 dirname | sort -u); do \
		go test -count=1 "$$dir" -update; \
	done

.PHONY: bench
bench: setup ## measurements beside peers, one caller and 128
	cd bench && go test -run '^$$' -bench . -benchtime 2s -count 3
	cd bench && go run ./cache && go run ./catalog && go run ./growth

.PHONY: chaos
chaos: setup ## long: the same tests many times, then every fuzz target
	GRIND_LONG=1 go test $(RACE) -timeout 60m ./kit/cache/...
	go test $(RACE) -count=$(COUNT) -timeout 60m ./kit/... ./internal/race/... ./internal/tap/... ./internal/lab/... ./internal/localredis/...
	@grep -rE --include='*_test.go' '^func Fuzz' . | sed -E 's|/[^/]+:func (Fuzz[A-Za-z0-9_]*).*| \1|' | while read -r dir name; do \
		go test -run '^$$' -fuzz "^$$name\$$" -fuzztime $(FUZZTIME) "$$dir"; \
	done
