#!/usr/bin/env bash
# The bridge's tests once more, against its compiled hot path. Without a C compiler nothing is tested, and it says so.
set -uo pipefail
cd "$(dirname "$0")/.."

readonly CANNOT_COMPILE=3
.venv/bin/python scripts/compile_bridge.py
code=$?
if [ $code -eq $CANNOT_COMPILE ]; then exit 0; fi
if [ $code -ne 0 ]; then exit $code; fi
# First on the path: `services` comes from there, all else from here.
# All that goes through the session and the legs; what is around them is the same code in both forms.
AGIZA_COMPILED=yes PYTHONPATH="$PWD/.compiled" .venv/bin/pytest -q -n 3 --dist loadfile --no-loadscope-reorder \
  -m "not alone and not interpreted" tests/bridge/test_bridge_session*.py \
  tests/bridge/test_bridge_{audio,calls,compiled,fader,recording,wire,ws_conformance}.py "$@"
