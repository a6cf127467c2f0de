#!/usr/bin/env bash
# The whole suite. Three workers also on two cores: many tests wait for real time to pass (telephone calls). Each file
# stays with one worker, so that what its tests share is started once, and the longest files begin (tests/conftest.py).
# Extra arguments go to pytest: make test ARGS="-k cart".
set -euo pipefail
cd "$(dirname "$0")/.."
exec .venv/bin/pytest -q -n 3 --dist loadfile --no-loadscope-reorder "$@"
