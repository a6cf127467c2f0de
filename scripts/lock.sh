#!/usr/bin/env bash
# Recompiles the hashed requirements files. The present files are the preferences, so an unchanged
# pyproject.toml gives unchanged files. To move a pin: make lock ARGS="--upgrade-package NAME".
set -euo pipefail
cd "$(dirname "$0")/.."
UV=${UV:-.venv/bin/uv}
compile() {
  "$UV" pip compile --quiet --universal --python-version 3.11 --generate-hashes \
    --no-header --no-annotate "$@" >/dev/null
}
compile pyproject.toml "$@" -o requirements/services.txt
compile pyproject.toml --group dev --extra embedded --extra speech --extra simulators \
  -c requirements/services.txt "$@" -o requirements/dev.txt
compile pyproject.toml --extra speech --extra simulators -c requirements/services.txt "$@" -o requirements/simulators.txt
compile requirements/compile.in -c requirements/dev.txt "$@" -o requirements/compile.txt
compile requirements/genai-previous.in "$@" -o requirements/genai-previous.txt
compile requirements/uv.in "$@" -o requirements/uv.txt
for peer in pipecat livekit; do  # of the benchmark; never installed by setup
  compile "requirements/peers-$peer.in" "$@" -o "requirements/peers-$peer.txt"
done
