# Everything starts here. Needs make and Python 3.11 or newer; nothing else has to be installed or running.

PYTHON_OF_PROJECT := .venv/bin/python
MANAGE := $(PYTHON_OF_PROJECT) manage.py
# One more than the two cores that are meant: while one waits for PostgreSQL the others go on, a sixth sooner in all.
WORKERS ?= 3

# The demo starts half a dozen programs and the tests start many: none should compile Django and all else anew.
unexport PYTHONDONTWRITEBYTECODE

.DEFAULT_GOAL := help
.PHONY: help demo demo-once demo-reset test check lint types imports migrations openapi openapi-write policy-in-step \
	policy-coverage mutation sabotage simulate chaos machines bench deploy-settings lock clean local dev

help: ## show this
	@sed -n 's/^\([a-z-]*\):.*## /\1|/p' $(MAKEFILE_LIST) | awk -F'|' '{ printf "  make %-16s %s\n", $$1, $$2 }'

demo: local ## run the whole marketplace here, play its story, stay up until Ctrl-C
	@$(MANAGE) demo $(ARGS)

demo-once: local ## the same, then exit; REPORT=path writes the table as JSON
	@$(MANAGE) demo --once $(if $(REPORT),--report "$(REPORT)") $(ARGS)

demo-reset: local ## stop the embedded servers and clear the demo's data
	@$(PYTHON_OF_PROJECT) -m instainstru.local.servers reset

test: dev ## run the tests; ARGS="-k cancel" is handed to pytest, WORKERS=4 runs more at once
	@$(PYTHON_OF_PROJECT) -m pytest -n $(WORKERS) --dist worksteal $(ARGS)

check: lint types imports migrations openapi policy-in-step deploy-settings ## everything that can be checked without running it

lint: dev ## ruff: rules and format
	@.venv/bin/ruff check .
	@.venv/bin/ruff format --check .

types: dev ## mypy
	@.venv/bin/mypy

imports: dev ## import-linter: who may import whom
	@.venv/bin/lint-imports

migrations: dev ## the migrations are in step with the models
	@$(MANAGE) makemigrations --check --dry-run

openapi: dev ## docs/openapi.yaml is in step with the API
	@mkdir -p .data
	@$(MANAGE) spectacular --validate --fail-on-warn --file .data/openapi.yaml
	@diff -u docs/openapi.yaml .data/openapi.yaml || { echo 'The API has changed: make openapi-write'; exit 1; }

openapi-write: dev ## write docs/openapi.yaml anew
	@$(MANAGE) spectacular --validate --fail-on-warn --file docs/openapi.yaml

policy-in-step: dev ## docs/policy-coverage.md is in step with the tests, and every rule built has one
	@$(PYTHON_OF_PROJECT) -m tests.policy_coverage check

policy-coverage: dev ## write docs/policy-coverage.md anew: rule, where it is decided, what proves it
	@$(PYTHON_OF_PROJECT) -m tests.policy_coverage write

mutation: dev ## half an hour: every small mistake in the pure policy must fail a test; ARGS="'*.windows*'"
	@$(PYTHON_OF_PROJECT) -m tests.mutation $(ARGS)

sabotage: dev ## ten minutes: the engine is broken on purpose in a copy, one way at a time, and the suite has to notice
	@$(PYTHON_OF_PROJECT) -m tests.sabotage $(ARGS)

simulate: local ## SEEDS=100 random weeks of a marketplace with everything going wrong, over all cores; ARGS="--minutes 3"
	@$(MANAGE) simulate --seeds $(or $(SEEDS),20) $(ARGS)

bench: dev ## how fast it is, against a floor of the same run; ARGS="--only sweeps --quick --json bench.json"
	@$(PYTHON_OF_PROJECT) -m tests.benchmarks $(ARGS)

chaos: local ## SECONDS=120 SEED=1 everything is killed, stopped, cut off and slowed down while people do business; ARGS="--json"
	@$(MANAGE) chaos --seconds $(or $(SECONDS),120) --seed $(or $(SEED),1) $(ARGS)

machines: local ## three machines share a backlog of settlements and one of them is killed; ARGS="--settlements 300"
	@$(MANAGE) chaos --machines 3 --clients 4 $(ARGS)

deploy-settings: dev ## Django's own check of what a production would run with
	@DJANGO_DEBUG=0 DJANGO_SECRET_KEY="$$($(PYTHON_OF_PROJECT) -c 'import secrets; print(secrets.token_urlsafe(60))')" \
	DJANGO_ALLOWED_HOSTS=instainstru.example SITE_URL=https://instainstru.example \
	DATABASE_URL=postgresql://none@127.0.0.1:1/none REDIS_URL=redis://127.0.0.1:1/0 \
	STRIPE_SECRET_KEY=sk_test_000000000000000000000000 STRIPE_WEBHOOK_SECRET=whsec_none \
	$(MANAGE) check --deploy --fail-level WARNING

lock: ## resolve the dependencies of pyproject.toml anew
	@.ci/bootstrap tools
	@for group in '' local dev; do \
		UV_PYTHON_DOWNLOADS=never .uv/bin/uv pip compile --quiet --upgrade --universal --python-version 3.11 \
			--generate-hashes --no-header --no-annotate pyproject.toml $${group:+--group $$group} \
			-o requirements$${group:+-$$group}.lock || exit 1; \
	done

clean: ## remove the virtual environments and every cache, but not the demo's data
	rm -rf .venv .uv .pytest_cache .hypothesis .mypy_cache .ruff_cache .import_linter_cache static-root
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

local dev:
	@.ci/bootstrap $@
