# Stampede. `make help` lists the targets.
SHELL := /bin/bash
.DEFAULT_GOAL := help

GO          ?= go
OUT         ?= out
SCENARIO    ?= black-friday
N           ?= 20
FUZZTIME    ?= 20s
PRELOAD     ?= 32MiB
ROUNDS      ?= 3
STATICCHECK := honnef.co/go/tools/cmd/staticcheck@v0.7.0
VERSION     := $(shell git describe --always --dirty 2>/dev/null || echo unknown)
BUILDFLAGS  := -trimpath -ldflags "-s -w -X github.com/retailflow/stampede/scenarios/cli.version=$(VERSION)"

# The race detector needs cgo and a C compiler.
CC_FOUND := $(shell command -v $${CC:-gcc} 2>/dev/null || command -v cc 2>/dev/null || command -v clang 2>/dev/null)
RACE     := $(if $(CC_FOUND),-race,)

.PHONY: help
help: ## list the targets
	@awk -F ':.*## ' '/^[a-z][a-z-]*:.*## /{printf "  make %-14s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

.PHONY: build
build: ## bin/stampede and bin/stampede-fn (the Lambda bootstrap), static
	@mkdir -p bin
	CGO_ENABLED=0 $(GO) build $(BUILDFLAGS) -o bin/stampede .
	CGO_ENABLED=0 $(GO) build $(BUILDFLAGS) -o bin/stampede-fn ./reference/functions/bootstrap

.PHONY: demo
demo: build ## one Black Friday drill end to end; the report lands in out/demo
	bin/stampede run $(SCENARIO) --out $(OUT)/demo

# Drills measure, so nothing may run beside them: their package comes alone, and without the race
# detector, which would slow the generator down; one of its tests runs with it. The interleavings
# of the exactly-once protocol play in one goroutine each, where the detector has nothing to find:
# the full number of them is played without it.
.PHONY: test
test: ## everything that must pass
	@$(if $(RACE),,echo "no C compiler found: testing without the race detector (install gcc for it)")
	$(GO) test $(RACE) -timeout 12m $$($(GO) list ./... | grep -v '/scenarios/run$$')
	$(if $(RACE),CGO_ENABLED=0 $(GO) test -trimpath -timeout 5m -run Interleavings ./reference/functions/processing)
	$(if $(RACE),$(GO) test -race -timeout 5m -run '^TestInterruptHeals' ./scenarios/run)
	CGO_ENABLED=0 $(GO) test -trimpath -timeout 12m ./scenarios/run

.PHONY: check
check: build ## formatting, vet, staticcheck, shipped scenarios
	@unformatted=$$(gofmt -l *.go chaos loadgen reference reports scenarios); if [ -n "$$unformatted" ]; then echo "not gofmt-clean:"; echo "$$unformatted"; exit 1; fi
	$(GO) vet ./...
	$(GO) run $(STATICCHECK) ./...
	bin/stampede scenarios validate scenarios/*.yaml

.PHONY: bench
bench: ## benchmarks, CPU an event by stage among them
	$(GO) test -run '^$$' -bench . -benchmem ./...

.PHONY: conformance
conformance: build ## the public DynamoDB suite in SUITE=DIR against `stampede cloud`
	@if [ -z "$(SUITE)" ]; then echo "error: no SUITE"; echo "hint: git clone https://github.com/nubo-db/dynamodb-conformance DIR, then make conformance SUITE=DIR"; exit 2; fi
	STAMPEDE_SUITE="$(abspath $(SUITE))" STAMPEDE_BINARY="$(abspath bin/stampede)" $(GO) test -count=1 -v -timeout 10m ./reference/cloud/dynamodb/conformance

.PHONY: bench-dynamodb
bench-dynamodb: build ## DynamoDB beside dynoxide and dynalite (from npm), side by side; PRELOAD=5GB
	$(GO) run ./reference/cloud/dynamodb/bench --server bin/stampede --dir $(OUT)/bench-dynamodb --preload $(PRELOAD) --rounds $(ROUNDS)

.PHONY: proof
proof: build ## what is too long for test: fuzzing, kills and crashes of DynamoDB, every shipped drill, the truth of the generator, DynamoDB with 5 GB
	scenarios/proof.sh fuzz $(FUZZTIME)
	scenarios/proof.sh durable
	scenarios/proof.sh drills $(OUT)/proof
	scenarios/proof.sh calibrate $(OUT)/proof/calibrate
	scenarios/proof.sh day $(OUT)/proof/day 1% 1440
	$(MAKE) bench-dynamodb PRELOAD=5GB

.PHONY: stability
stability: build ## the demo N=20 times, every report kept in out/stability
	scenarios/proof.sh stability $(OUT)/stability $(N) $(SCENARIO)

.PHONY: clean
clean: ## remove what the targets made
	rm -rf bin $(OUT)
