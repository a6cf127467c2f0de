# Two commands do everything a newcomer needs: `make demo` and `make test`. Both set up what they need.
.DEFAULT_GOAL := help
SHELL := /bin/bash
BIN := .venv/bin

# Every target that the list names; no file is called like one.
.PHONY: help $(shell sed -n 's/^\([a-z-]*\):.*\#\#.*/\1/p' $(firstword $(MAKEFILE_LIST)))

help: ## show this list
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | awk -F':.*## ' '{printf "  make %-17s %s\n", $$1, $$2}'

setup: ## make .venv from the hashed requirements files (quick when nothing changed)
	@scripts/setup.sh

demo: setup ## two callers through all four services: a spoken order, and a caller who gets a person
	@$(BIN)/agiza demo $(ARGS)

up: setup ## start everything and stay; prints the URLs
	@$(BIN)/agiza up $(ARGS)

test: setup ## the whole test suite, on real Postgres and Redis
	@scripts/test.sh $(ARGS)

test-compiled: setup ## the bridge's tests against the bridge as the image has it, compiled; needs a C compiler
	@scripts/test_compiled.sh $(ARGS)

test-unit: setup ## only the quick tests: no servers, no speech
	@$(BIN)/pytest -q -m "not integration and not e2e and not audio" $(ARGS)

coverage: setup ## branch coverage of rules, words and call session; fails below 95 %
	@scripts/coverage.sh

check: setup ## lint, types, import rules, generated docs, requirements files
	@scripts/check.sh

format: setup ## put the code into its canonical form
	@$(BIN)/ruff format -q . && $(BIN)/ruff check -q --fix .

lock: setup ## recompile the hashed requirements files
	@scripts/lock.sh $(ARGS)

docs: setup ## write the generated pages under docs/generated
	@$(BIN)/python -m agiza.cli.generate_docs

contracts-baseline: setup ## add today's events, routes and fields to the released contracts; refuses what breaks them
	@$(BIN)/python -m agiza.cli.release_contracts $(ARGS)

eval-audio: setup ## forty spoken callers through the whole stack, with the honest figures
	@$(BIN)/python -m benchmarks.eval_audio $(ARGS)

compiled: setup ## the bridge's hot path as machine code in .compiled, as in the image; needs a C compiler
	@$(BIN)/python scripts/compile_bridge.py $(ARGS)

eval-pos: setup ## each bad habit of a POS: what the certification kit says of it must be what is bad, and no more
	@$(BIN)/python -m benchmarks.pos_habits $(ARGS)

eval-names: setup ## how well dishes and choices are understood: labelled phrasings, with every miss
	@$(BIN)/python -m benchmarks.eval_names $(ARGS)

bench-bridge: setup ## how many calls one core bridges, ours beside a Node, a FastAPI and a Pipecat bridge
	@$(BIN)/python -m benchmarks.bridge $(ARGS)

bench-kill: setup ## from the model's interruption to silence at the carrier, 50 calls; what lies there unplayed
	@$(BIN)/python -m benchmarks.kill $(ARGS)

bench-load: setup ## 20 calls at once by text and 5 by audio, on two branches
	@$(BIN)/python -m benchmarks.load $(ARGS)

bench-tools: setup ## function calls at 100/s through Redis and Postgres, beside the bare commit of the same rows; tables
	@$(BIN)/python -m benchmarks.tools $(ARGS)

bench-faults: setup ## 500 calls on real processes, 100 faults among them: tickets must be confirmed orders, exactly
	@$(BIN)/python -m benchmarks.faults $(ARGS)

bench-feed: setup ## a branch's feed in every form: readers away, killed and cut off; no gap, no double, the same digest
	@$(BIN)/python -m benchmarks.feed $(ARGS)

bench-screen: setup ## from what a caller has said to what the kitchen's screen shows, in a real browser; tables
	@$(BIN)/python -m benchmarks.screen $(ARGS)

bench-webhook: setup ## ringing calls at 50/s, then with Postgres and Redis killed; times and tables
	@$(BIN)/python -m benchmarks.webhook $(ARGS)

bench-webhooks: setup ## 500 deliveries/s to four subscribers, beside a fifth that hangs, and after half an hour down; tables
	@$(BIN)/python -m benchmarks.webhooks $(ARGS)

bench-handoff: setup ## from the wish for a person to the closed socket, the Dial, the ringing phone; tables
	@$(BIN)/python -m benchmarks.handoff $(ARGS)

bench-bargein: setup ## how soon the agent is silent when the caller speaks over it, and what must not silence it
	@$(BIN)/python -m benchmarks.bargein $(ARGS)

bench-hop: setup ## calls that go from one model session to the next, 100 times; what the caller hears of it
	@$(BIN)/python -m benchmarks.hops $(ARGS)

escalation-matrix: setup ## every way to a person, in all readings of the carrier; no double Dial, nobody stranded
	@$(BIN)/python -m benchmarks.escalation_matrix $(ARGS)

bench-takeover: setup ## kill -9 of the serving bridge in mid-sentence: another one goes on, or the caller is rung back
	@$(BIN)/python -m benchmarks.takeover $(ARGS)

chaos: setup ## kill -9 of every process during a call; no ticket may be lost or doubled
	@$(BIN)/python -m benchmarks.chaos $(ARGS)

CALLS ?= 10000
SEED ?= 1
simulate: setup ## CALLS=10000 calls of SEED=1 in virtual time, everything breaking; prints the digest, finds what is lost
	@$(BIN)/python -m benchmarks.simulation --calls $(CALLS) --seed $(SEED) $(ARGS)

eval-yes: setup ## a thousand genuine callers who say yes into the read-back: how many are refused, how many asked again
	@$(BIN)/python -m benchmarks.simulation.yes $(ARGS)

peers-check: setup ## Pipecat's and LiveKit's Live clients, unmodified, talk to our Live simulator
	@$(BIN)/python -m benchmarks.peers_check $(ARGS)

clean: ## remove what was made here (the environment, caches, kept data)
	@rm -rf .compiled .venv .venv-genai-previous .venv-peer-* benchmarks/peers/node/node_modules .agiza .pytest_cache .mypy_cache .ruff_cache .hypothesis .coverage recordings
