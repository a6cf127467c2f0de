#!/usr/bin/env bash
# The whole suite. Four workers also on two cores: many tests wait for real time to pass (telephone calls).
# Extra arguments go to pytest: make test ARGS="-k cart".
set -euo pipefail
cd "$(dirname "$0")/.."
exec .venv/bin/pytest -q -n 4 --dist loadgroup "$@"
