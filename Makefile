# The work is in scripts/. All of it shares one build cache: CARGO_TARGET_DIR where set, else target/.

.PHONY: help run build test soak bench clean
.DEFAULT_GOAL := help

help: ## Say what there is
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "make %-7s %s\n", $$1, $$2 }' Makefile

run: ## Install what is missing, build, load the demo into an empty database, serve on 127.0.0.1:3000
	@bash scripts/run.sh

build: ## Build the release binary; its path is the last line
	@bash scripts/build.sh

test: ## Install what is missing and run all tests, on SQLite and Postgres and in a real browser
	@bash scripts/test.sh

soak: ## Kill, starve and cut off servers and databases for long, and see that nothing is lost (about half an hour)
	@bash scripts/soak.sh $(ARGS)

bench: ## Measure speed on SQLite and Postgres (over half an hour; ARGS=--short takes two minutes)
	@bash scripts/bench.sh $(ARGS)

clean: ## Remove what was built in this checkout (a cache named by CARGO_TARGET_DIR stays)
	rm -rf target end2end/node_modules end2end/results
