#!/usr/bin/env bash
# Makes what the named peers run in: scripts/peers.sh node pipecat livekit. Never part of setup or test. Quick when
# nothing changed. A package index that was set up for pip serves uv as well. Nothing else is fetched, then or later.
set -euo pipefail
cd "$(dirname "$0")/.."

UV=.venv/bin/uv
export UV_LINK_MODE=copy
[ -z "${PIP_INDEX_URL:-}" ] || export UV_DEFAULT_INDEX="${UV_DEFAULT_INDEX:-$PIP_INDEX_URL}"
[ -z "${PIP_EXTRA_INDEX_URL:-}" ] || export UV_INDEX="${UV_INDEX:-$PIP_EXTRA_INDEX_URL}"
[ -z "${PIP_CERT:-}" ] || export SSL_CERT_FILE="${SSL_CERT_FILE:-$PIP_CERT}"

python_peer() {
  local venv=.venv-peer-$1 locked=requirements/peers-$1.txt stamp
  stamp="$(pwd) $(cksum <"$locked") $(.venv/bin/python -c 'import sys; print(*sys.version_info[:3])')"
  if [ -f "$venv/.agiza-peer" ] && [ "$(cat "$venv/.agiza-peer")" = "$stamp" ]; then return; fi
  echo "setting up $venv (first time: a minute or two)" >&2
  "$UV" venv --quiet --clear --python .venv/bin/python "$venv"
  VIRTUAL_ENV="$PWD/$venv" "$UV" pip install --quiet --require-hashes -r "$locked"
  echo "$stamp" >"$venv/.agiza-peer"
}

node_peer() {
  local folder=benchmarks/peers/node
  if ! command -v npm >/dev/null 2>&1; then
    echo "the Node peer needs node and npm on PATH: install them, or leave it out (ARGS=\"--only ours,fastapi\")" >&2
    exit 1
  fi
  if [ "$folder/node_modules/.package-lock.json" -nt "$folder/package-lock.json" ]; then return; fi
  npm ci --prefix "$folder" --silent --no-audit --no-fund --ignore-scripts
}

for peer in "$@"; do
  case "$peer" in
    node) node_peer ;;
    pipecat | livekit) python_peer "$peer" ;;
    *) echo "unknown peer: $peer" >&2; exit 2 ;;
  esac
done
