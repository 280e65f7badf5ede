# Stampede. `make help` lists the targets.
SHELL := /bin/bash
.DEFAULT_GOAL := help

GO          ?= go
OUT         ?= out
SCENARIO    ?= black-friday
N           ?= 20
FUZZTIME    ?= 20s
STATICCHECK := honnef.co/go/tools/cmd/staticcheck@v0.7.0
VERSION     := $(shell git describe --always --dirty 2>/dev/null || echo unknown)
BUILDFLAGS  := -trimpath -ldflags "-s -w -X github.com/retailflow/stampede/scenarios/cli.version=$(VERSION)"

# The race detector needs cgo and a C compiler.
CC_FOUND := $(shell command -v $${CC:-gcc} 2>/dev/null || command -v cc 2>/dev/null || command -v clang 2>/dev/null)
RACE     := $(if $(CC_FOUND),-race,)

.PHONY: help
help: ## list the targets
	@awk -F ':.*## ' '/^[a-z][a-z-]*:.*## /{printf "  make %-10s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

.PHONY: build
build: ## bin/stampede and bin/stampede-fn (the Lambda bootstrap), static
	@mkdir -p bin
	CGO_ENABLED=0 $(GO) build $(BUILDFLAGS) -o bin/stampede .
	CGO_ENABLED=0 $(GO) build $(BUILDFLAGS) -o bin/stampede-fn ./reference/functions/bootstrap

.PHONY: demo
demo: build ## one Black Friday drill end to end; the report lands in out/demo
	bin/stampede run $(SCENARIO) --out $(OUT)/demo

.PHONY: test
test: ## everything that must pass
	@$(if $(RACE),,echo "no C compiler found: testing without the race detector (install gcc for it)")
	$(GO) test $(RACE) -timeout 12m ./...

.PHONY: check
check: build ## formatting, vet, staticcheck, shipped scenarios
	@unformatted=$$(gofmt -l $$(git ls-files '*.go')); if [ -n "$$unformatted" ]; then echo "not gofmt-clean:"; echo "$$unformatted"; exit 1; fi
	$(GO) vet ./...
	$(GO) run $(STATICCHECK) ./...
	bin/stampede scenarios validate scenarios/*.yaml

.PHONY: bench
bench: ## benchmarks, CPU an event by stage among them
	$(GO) test -run '^$$' -bench . -benchmem ./...

.PHONY: proof
proof: build ## what is too long for test: fuzzing, kill loops, the long drills
	scenarios/proof.sh fuzz $(FUZZTIME)
	scenarios/proof.sh drills $(OUT)/proof

.PHONY: stability
stability: build ## the demo N=20 times, every report kept in out/stability
	scenarios/proof.sh stability $(OUT)/stability $(N) $(SCENARIO)

.PHONY: clean
clean: ## remove what the targets made
	rm -rf bin $(OUT)
