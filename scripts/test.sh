#!/usr/bin/env bash
# The whole suite, two workers. Extra arguments go to pytest: make test ARGS="-k cart".
set -euo pipefail
cd "$(dirname "$0")/.."
exec .venv/bin/pytest -q -n 2 --dist loadfile "$@"
