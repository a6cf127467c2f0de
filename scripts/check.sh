#!/usr/bin/env bash
# Everything that is checked without running the product. Each step prints its name, the first failure stops.
set -euo pipefail
cd "$(dirname "$0")/.."
step() { echo "== $1"; shift; "$@"; }
step "ruff check" .venv/bin/ruff check .
step "ruff format" .venv/bin/ruff format --check --quiet .
step "mypy --strict" .venv/bin/mypy
step "import rules" .venv/bin/lint-imports
step "generated docs are current" .venv/bin/python -m agiza.cli.generate_docs --check
step "requirements are current" scripts/lock.sh
if ! git diff --quiet -- requirements; then
  git --no-pager diff --stat -- requirements
  echo "the requirements files differ from pyproject.toml: run make lock and commit them" >&2
  exit 1
fi
# No file may hold an address that packages are downloaded from.
if git grep -nIE 'py[p]i\.org|py[t]honhosted|np[m]js\.org' -- . ; then
  echo "a file names a package registry host: take it out" >&2
  exit 1
fi
echo "all checks passed"
