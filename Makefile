# The verbs of this house. Bare `make` prints them.
SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help
.PHONY: help setup quickstart test fuzz lint bench lock reference FORCE

BIN := .venv/bin
STAMP := .venv/.installed
NODE_TESTS := tests/acceptance/javascript
NODE_PROGRAM := tests/acceptance/javascript_program
NODE_STAMP := $(NODE_TESTS)/node_modules/.installed $(NODE_PROGRAM)/node_modules/.installed
NODE_CLIENT := tests/acceptance/javascript_client
NODE_CLIENT_STAMP := $(NODE_CLIENT)/node_modules/.installed
DOTNET := build/dotnet
DOTNET_STAMP := $(DOTNET)/.installed
export DOTNET_ROOT ?= $(abspath $(DOTNET))/dnv/net/runtime/.net
RUBY_PROGRAM := tests/acceptance/ruby_program
RUBY_STAMP := $(RUBY_PROGRAM)/packages/.unpacked
JAVA_PROGRAM := tests/acceptance/java
JAVA_FILES := $(JAVA_PROGRAM)/pom.xml $(shell find $(JAVA_PROGRAM)/src -type f)
JAVA_STAMP := $(JAVA_PROGRAM)/target/.built
GO_PROGRAMS := tests/acceptance/go
GO_FILES := $(shell find $(GO_PROGRAMS) -type f)
GO_STAMP := build/go/.built
RUST_PROGRAMS := tests/acceptance/rust
RUST_FILES := $(shell find $(RUST_PROGRAMS) -type f)
RUST_STAMP := build/rust/.built
APPS := build/apps
APPS_STAMP := $(APPS)/.installed
FUZZ := build/fuzz
FUZZ_FILES := requirements/fuzz.txt requirements/documents.txt
FUZZ_STAMP := $(FUZZ)/.installed
DYNAMODB := tests/conformance/dynamodb_local
DYNAMODB_STAMP := $(DYNAMODB)/lib/.copied
WORKERS ?= 3
PYTEST ?= $(BIN)/pytest
TESTS ?= tests

help: ## print this list
	@echo "Lambent: AWS Lambda on your own machines"
	@sed -n 's/^\([a-z]*\):[^#]*## \(.*\)/  make \1|\2/p' Makefile | column -t -s '|'

setup: $(STAMP) ## make .venv with everything that is pinned

quickstart: setup ## deploy and run a real function on a server of its own
	@$(BIN)/lambent quickstart

# Files with real servers come first, as they are sorted: one that takes a minute must not be begun when all others are done.
test: setup $(NODE_STAMP) $(NODE_CLIENT_STAMP) $(RUBY_STAMP) $(DOTNET_STAMP) $(DYNAMODB_STAMP) $(APPS_STAMP) $(FUZZ_STAMP) $(GO_STAMP) $(RUST_STAMP) $(JAVA_STAMP) ## run every test (TESTS=tests/unit/cli for some)
	$(PYTEST) -n $(WORKERS) --dist loadfile --no-loadscope-reorder $(TESTS)

fuzz: setup ## run the property tests with examples that no run before had
	$(PYTEST) -n $(WORKERS) -m hypothesis --hypothesis-profile=new $(TESTS)

lint: setup ## format, rules, types, and imports that go down the stairs
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports

bench: setup ## measure what SPECIFICATION.md promises
	@$(BIN)/python bench/run.py

reference: setup ## write docs/reference anew from the code
	$(BIN)/python docs/reference/generate.py

lock: setup ## choose the pins anew from pyproject.toml
	bash requirements/lock.sh

$(STAMP): requirements/base.txt requirements/dev.txt pyproject.toml requirements/setup.sh
	@bash requirements/setup.sh
	@touch $@

# Each of the following begins with an empty folder, and leaves none where it fails: then the tests that need it are skipped.
# A stamp holds the digest of what its folder was made of. What was made of other versions, or comes from another checkout, may
# be newer than the files, and is made again nevertheless.
.SECONDEXPANSION:
FORCE:
digest = sha256sum $(sort $(1)) | sha256sum
unless_made_of = $(shell [ "$$(cat $@ 2>/dev/null)" = "$$($(call digest,$(1)))" ] || echo FORCE) | $(1)
done = $(call digest,$|) >$@

# The AWS SDK for JavaScript and a real program's packages, for their tests; without Node.js these are skipped, and say so.
$(NODE_STAMP): %/node_modules/.installed: $$(call unless_made_of,$$*/package-lock.json)
	@if command -v npm >/dev/null; then npm ci --silent --no-audit --no-fund --prefix $* && $(done) \
	|| { rm -rf $(@D); echo "the packages of $* cannot be fetched: what needs them will not be tested"; }; \
	else echo "npm is not here: what needs the packages of $* will not be tested"; fi

# AWS's own runtime client for Node.js builds its native part (a minute): without npm, autoconf, cmake and g++ it is not tested.
$(NODE_CLIENT_STAMP): $$(call unless_made_of,$(NODE_CLIENT)/package-lock.json)
	@if command -v npm >/dev/null && command -v cmake >/dev/null; then \
	npm ci --silent --no-audit --no-fund --prefix $(NODE_CLIENT) && $(done) || { rm -rf $(@D); echo "aws-lambda-ric cannot be built: it will not be tested"; }; \
	else echo "npm or cmake is not here: aws-lambda-ric will not be tested"; fi

# Gems, as Debian packages them, unpacked and not installed; without Ruby and apt-get these are not tested, and say so.
$(RUBY_STAMP): $$(call unless_made_of,$(RUBY_PROGRAM)/packages.txt)
	@rm -rf $(@D); mkdir -p $(@D); if command -v ruby >/dev/null && command -v apt-get >/dev/null; then \
	(cd $(@D) && apt-get download -qq $$(cat ../packages.txt) 2>/dev/null && for each in *.deb; do dpkg -x $$each . && rm $$each; done) \
	&& $(done) || { rm -rf $(@D); echo "the gems of $(RUBY_PROGRAM) cannot be fetched: a program with gems will not be tested"; }; \
	else echo "Ruby is not here: a program with gems will not be tested"; fi

# A .NET runtime, for functions in C#; what tests them is compiled by Mono's compiler. Without both they are skipped.
$(DOTNET_STAMP): $$(call unless_made_of,requirements/dotnet.txt)
	@rm -rf $(@D); $(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes --no-deps --target $(DOTNET) -r $| \
	&& chmod +x $(DOTNET)/dnv/net/runtime/.net/dotnet && $(done) || { rm -rf $(@D); echo "no .NET runtime can be fetched: C# will not be tested"; }

# Web frameworks with their adapters, which acceptance tests deploy as functions.
$(APPS_STAMP): $$(call unless_made_of,requirements/apps.txt)
	@rm -rf $(@D); $(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes --target $(APPS) -r $| && $(done) \
	|| { rm -rf $(@D); echo "the web frameworks cannot be fetched: apps behind APIs will not be tested"; }

# A fuzzer of APIs, and OpenAPI documents of public APIs out of a package's source.
$(FUZZ_STAMP): $$(call unless_made_of,$(FUZZ_FILES))
	@rm -rf $(@D); $(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes --target $(FUZZ) -r requirements/fuzz.txt \
	&& $(BIN)/python -m pip download --quiet --disable-pip-version-check --no-deps --no-binary :all: --require-hashes \
	--dest $(FUZZ) -r requirements/documents.txt && $(done) \
	|| { rm -rf $(@D); echo "the fuzzer cannot be fetched: imported APIs will not be fuzzed"; }

# Programs in Go and Rust, which acceptance tests deploy; without these languages those are skipped, and say so.
$(GO_STAMP): $$(call unless_made_of,$(GO_FILES))
	@rm -rf $(@D); if command -v go >/dev/null; then \
	CGO_ENABLED=0 GOTOOLCHAIN=local GOFLAGS=-mod=readonly go build -C $(GO_PROGRAMS) -buildvcs=false -trimpath \
	-ldflags '-s -w' -tags lambda.norpc -o $(CURDIR)/$(@D)/ ./... && $(done) \
	|| { rm -rf $(@D); echo "Go cannot build the programs of $(GO_PROGRAMS): functions in Go will not be tested"; }; \
	else echo "Go is not here: functions in Go will not be tested"; fi

$(RUST_STAMP): $$(call unless_made_of,$(RUST_FILES))
	@rm -rf $(@D); if command -v cargo >/dev/null; then bash $(RUST_PROGRAMS)/build.sh $(@D) && $(done) \
	|| { rm -rf $(@D); echo "cargo cannot build the programs of $(RUST_PROGRAMS): functions in Rust will not be tested"; }; \
	else echo "Rust is not here: functions in Rust will not be tested"; fi

# Functions in Java with their packages; without Maven and a JDK their tests are skipped, and say so.
$(JAVA_STAMP): $$(call unless_made_of,$(JAVA_FILES))
	@rm -rf $(@D); if command -v mvn >/dev/null && command -v javac >/dev/null; then \
	mvn --batch-mode --quiet --file $(JAVA_PROGRAM)/pom.xml resources:resources compiler:compile jar:jar dependency:copy-dependencies && $(done) \
	|| { rm -rf $(@D); echo "Maven cannot build $(JAVA_PROGRAM): functions in Java with packages will not be tested"; }; \
	else echo "Maven or a JDK is not here: functions in Java with packages will not be tested"; fi

# DynamoDB Local, which answers are compared with; without Maven and Java that test is skipped, and says so.
$(DYNAMODB_STAMP): $$(call unless_made_of,$(DYNAMODB)/pom.xml)
	@rm -rf $(@D); if command -v mvn >/dev/null && command -v java >/dev/null; then \
	mvn --batch-mode --quiet --file $| dependency:copy-dependencies && $(done) \
	|| { rm -rf $(@D); echo "DynamoDB Local cannot be fetched: answers will not be compared with its"; }; \
	else echo "Maven or Java is not here: answers will not be compared with those of DynamoDB Local"; fi
