#!/usr/bin/env bash
# Branch coverage of the parts that decide: the rules, the words, a live call's session. Fails below 95 %.
# --options prints what pytest needs for it, for those who run the whole suite anyway.
set -euo pipefail
cd "$(dirname "$0")/.."
options=(--cov=agiza.domain --cov=agiza.contracts --cov=services.bridge.session --cov-branch
  --cov-report=term:skip-covered --cov-fail-under=95)
if [ "${1:-}" = --options ]; then
  printf '%s\n' "${options[@]}"
  exit
fi
exec .venv/bin/pytest -q -n 4 tests/domain tests/contracts tests/bridge/test_bridge_session_*.py "${options[@]}" "$@"
