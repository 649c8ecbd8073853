# make up · make test · make check · make images · make bench · make simulate · make mutants · make torture

SHELL := /bin/bash
.DEFAULT_GOAL := help

TARGET_DIR := $(or $(CARGO_TARGET_DIR),target)
PROGRAMS := loanctl loan-api auth scoring score-provider
# The home on AWS is left out: it takes longer to build than all the rest.
PACKAGES := $(PROGRAMS:%=-p %) --no-default-features --features loanctl/local

.PHONY: help up build test check images bench simulate mutants torture tools

help: ## Show what there is
	@grep -hE '^[a-z]+:.*## ' $(MAKEFILE_LIST) | sed 's/:.*## /\t/' | sort

up: build ## Run everything on this machine (Ctrl-C stops it); ARGS="--api-port 9000" for options
	@exec $(TARGET_DIR)/release/loanctl up $(ARGS)

build: ## Build the programs that `make up` runs
	@.ci/need up
	cargo build --release --locked $(PACKAGES)

test: ## Run every test, on real processes and a real PostgreSQL
	@.ci/test

check: ## Formatting, lints, generated files, dependency audit
	@.ci/check

images: ## Build the images for real, push them to a registry on this machine, and look at what arrives
	@.ci/need images
	cargo build --workspace --bins --tests --locked --quiet
	@infra/images/check

# One that calls no other program needs none built.
bench: $(if $(filter resilience deciding scale,$(BENCH)),,build) ## Print figures of this machine, with what they compare to: BENCH=resilience for one alone
	@BENCH="$(BENCH)" .ci/bench $(ARGS)

simulate: ## Run the engine in simulated worlds: SEED=7 for one, SEEDS=100 or SECONDS_BUDGET=60 for many, FROM=1
	@SEED=$(SEED) SEEDS=$(SEEDS) SECONDS_BUDGET=$(SECONDS_BUDGET) FROM=$(FROM) cargo run --quiet --release --locked -p simulation --bin simulate

mutants: ## Break the engine on purpose, and see the simulation find it: NAME=skip-baseline for one
	@NAME="$(NAME)" cargo run --quiet --release --locked -p simulation --bin mutants

torture: ## Kill the controller at random moments, CRASHES=50 times; TORTURE_SEED=… for the same moments
	@.ci/torture
