# callmesh. `make` alone lists what there is to do.

.DEFAULT_GOAL := help

# Tools are Go programs at a fixed version: nothing to install, the same for all.
GOFUMPT := go run mvdan.cc/gofumpt@v0.12.0
GOLANGCI := github.com/golangci/golangci-lint/v2/cmd/golangci-lint@v2.15.0
# Helm is of the version that the chart's tests are compiled with.
HELM = go run helm.sh/helm/v4/cmd/helm@$$(go list -C charts/test -m -f '{{.Version}}' helm.sh/helm/v4)

# `make run LAN=1`: https on every interface, for other machines of the network.
RUN_FLAGS := --guests --turn-embedded --tls-off
ifeq ($(LAN),1)
RUN_FLAGS := --guests --turn-embedded --tls-self-signed --listen 0.0.0.0:8443
endif
# More flags for `make run`, as in: make run ARGS="--log-level debug"
ARGS ?=
# How long `make fuzz` spends on each of its targets.
FUZZTIME ?= 20s

# How long `make soak` goes on, and what it repeats.
SOAK ?= 10m
FAULT_SEED ?=

# A make that is told to stop between steps must not leave half a page behind.
.DELETE_ON_ERROR:

.PHONY: help
help: ## this list
	@awk 'BEGIN {FS = ":.*## "} /^[a-z0-9-]+:.*## / {printf "  %-10s %s\n", $$1, $$2}' Makefile
	@echo; echo "  make run LAN=1    the same over https, for other machines of the network"

.PHONY: run
run: build ## build and start everything on this machine, and print the address
	bin/edge serve $(RUN_FLAGS) $(ARGS)

.PHONY: build
build: web ## the programs, in bin/, the edge with the page inside
	go build -o bin/ ./cmd/edge ./cmd/turnctl ./cmd/probe

# The page is built again only when something that it is made of has changed.
WEB_SOURCES := $(shell find web/src web/public web/*.html web/*.json web/*.ts -type f 2>/dev/null)

.PHONY: web
web: web/dist/index.html ## the page, in web/dist

web/dist/index.html: web/node_modules/.installed $(WEB_SOURCES)
	npm --prefix web run build
	@touch $@

.PHONY: library
library: web/node_modules/.installed ## the client library for pages of other sites, in web/dist-lib
	npm --prefix web run library

web/node_modules/.installed: web/package.json web/package-lock.json
	npm --prefix web ci --no-audit --no-fund
	@touch $@

.PHONY: gen
gen: ## what is generated from other code: the TypeScript of the wire contract
	go test ./bus/wire -run Golden -count=1 -update

.PHONY: fmt
fmt: ## format the Go code
	$(GOFUMPT) -w $$(find . -name '*.go' -not -path './web/node_modules/*')

# Of Kubernetes the linter takes what build.sh has compiled, for it asks for the same flags: with others that would be compiled once more, for minutes.
.PHONY: lint
lint: web/node_modules/.installed ## what the linters say, of Go and of TypeScript
	go run $(GOLANGCI) run ./...
	go run -C charts/image $(GOLANGCI) run ./...
	go run -C charts/test $(GOLANGCI) run ./...
	go run -C charts/kubernetes -exec "env CGO_ENABLED=0 GOFLAGS=-gcflags=all=-dwarf=false" $(GOLANGCI) run ./apiserver ./cluster ./pause
	npm --prefix web run typecheck
	npm --prefix web run lint

# Fetches and builds the linter, two minutes of one core, without linting.
.PHONY: lint-tool
lint-tool:
	go run $(GOLANGCI) version

# go run remembers what it has built; the page is in the edge's image.
.PHONY: image
image: web ## the images that charts/callmesh runs, as OCI archives in bin/images
	go run -C charts/image . -root ../.. -out ../../bin/images $(ARGS)

# With the date of its last commit, so that it is the same wherever it is made.
.PHONY: chart
chart: ## the chart as it is released, in charts/test/testdata: the tests upgrade from it ever after
	SOURCE_DATE_EPOCH=$$(git log -1 --format=%ct -- charts/callmesh) $(HELM) package charts/callmesh --destination charts/test/testdata

.PHONY: test
test: setup test-web test-go test-charts e2e ## every test, after installing what they need

.PHONY: setup
setup:
	@.ci/stage "what the tests need" .ci/setup.sh

.PHONY: test-go
test-go: ## the Go tests, with the race detector
	@.ci/stage "Go tests" go test -race -timeout 30m $$(go list ./... | grep -v -e /cmd/edge$$ -e /cmd/internal/regions$$ -e /node_modules/)
	@.ci/stage "Go tests of faults, by themselves" go test -race -p 1 -timeout 20m ./cmd/edge ./cmd/internal/regions

# -count 1: what they read lies outside of their modules, so go would take an old result for a new chart's.
.PHONY: test-charts
test-charts: web/dist/index.html ## the chart and the images: modules of their own, so that helm and Kubernetes stay out of this one
	@.ci/stage "an API server for the tests of the chart" $(MAKE) --no-print-directory bin/apiserver
	@.ci/stage "tests of the chart" go test -C charts/test -count 1 -timeout 15m ./...
	@.ci/stage "tests of the images" go test -C charts/image -count 1 -timeout 15m ./...

# Built once: nothing but a new version of Kubernetes changes it.
bin/apiserver: charts/kubernetes/go.mod charts/kubernetes/build.sh $(wildcard charts/kubernetes/apiserver/*)
	charts/kubernetes/build.sh apiserver $@
	@touch $@

.PHONY: test-web
test-web: web/node_modules/.installed ## the page's unit tests
	@.ci/stage "web unit tests" npm --prefix web test

.PHONY: e2e
e2e: build bin/natsnode ## two browsers on two edges, joined by NATS
	@EDGE_BIN=$(CURDIR)/bin/edge NATSNODE_BIN=$(CURDIR)/bin/natsnode PROBE_BIN=$(CURDIR)/bin/probe TURNCTL_BIN=$(CURDIR)/bin/turnctl \
		.ci/stage "end to end" npm --prefix web run e2e

.PHONY: bin/natsnode
bin/natsnode:
	go build -o $@ ./bus/bustest/natsnode

# `make bench ARGS="-run latency"` runs one of them, ARGS=-list names them all.
.PHONY: bench
bench: build bin/natsnode ## what the mesh costs beside its bounds, as one table (5 minutes)
	go build -o bin/bench ./edge/loadtest/bench
	bin/bench $(ARGS)
	@EDGE_BIN=$(CURDIR)/bin/edge NATSNODE_BIN=$(CURDIR)/bin/natsnode npm --silent --prefix web run bench

.PHONY: recording-sync
recording-sync: build bin/natsnode ## how far picture and sound of a recording of RECORDING_MINUTES (20) come apart, and its memory
	@RECORDING_MINUTES=$(or $(RECORDING_MINUTES),20) EDGE_BIN=$(CURDIR)/bin/edge NATSNODE_BIN=$(CURDIR)/bin/natsnode \
		npm --silent --prefix web run bench -- recordingSync

.PHONY: regions
regions: build ## three regions on this machine, with NATS, edges and a relay each: calls, a region cut off, a relay stopped (2 minutes)
	go build -o bin/nats-server github.com/nats-io/nats-server/v2
	go build -o bin/regions ./cmd/internal/regions
	bin/regions $(ARGS)

# It takes root. NODES=1 for one node.
.PHONY: cluster
cluster: setup-cluster image bin/kubernetes/cluster ## a whole Kubernetes on this machine: the chart on it, a browser's call during upgrades and drains (first 20 minutes, then 10)
	bin/kubernetes/cluster -nodes $(or $(NODES),2) -images bin/images -- charts/kubernetes/walk/trial.sh
	@if [ -z "$(NODES)" ]; then bin/kubernetes/cluster -nodes 4 -images bin/images -- charts/kubernetes/walk/production.sh; fi

# First, and not after twenty minutes of building.
.PHONY: setup-cluster
setup-cluster:
	@[ "$$(id -u)" -eq 0 ] || { echo "make cluster takes root: its nodes mount and route" >&2; exit 1; }
	@.ci/stage "what a cluster needs" .ci/setup.sh cluster

bin/kubernetes/cluster: charts/kubernetes/build.sh $(shell find charts/kubernetes -name '*.go' -o -name 'go.*' -o -path '*/config/*' 2>/dev/null)
	charts/kubernetes/build.sh cluster $(@D)
	@touch $@

.PHONY: race
race: ## the Go tests again and again, to find what is wrong only sometimes
	go test -race -timeout 30m -count 5 -shuffle on ./...

.PHONY: soak
soak: ## a steady load with a fault every few seconds, for SOAK (10m): nothing is lost, memory stays flat
	SOAK=$(SOAK) FAULT_SEED=$(FAULT_SEED) .ci/stage "soak for $(SOAK)" \
		go test -run '^TestSoak$$' -v -count 1 -timeout 0 ./cmd/edge

# `make lab ARGS="--kinds open,eim-apdf,tls-only"` for some of them.
.PHONY: lab
lab: ## the NAT laboratory: each site is what it claims, every pair comes to what is predicted (3 minutes)
	go build -o bin/ ./cmd/probe
	bin/probe lab verify
	bin/probe lab matrix $(ARGS)

.PHONY: fuzz
fuzz: ## each fuzz target for FUZZTIME (20s)
	.ci/fuzz.sh $(FUZZTIME)

.PHONY: ci
ci: ## what continuous integration runs
	.ci/run

.PHONY: clean
clean: ## remove what was built
	rm -rf bin web/node_modules
	find web/dist -mindepth 1 -not -name .gitkeep -delete
