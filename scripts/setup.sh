#!/usr/bin/env bash
# Makes .venv with every pinned and hashed dependency. Needs Python 3.11-3.13 and the package index, no root.
# Quick when nothing changed: the stamp holds the checksum of what was installed.
set -euo pipefail
cd "$(dirname "$0")/.."

find_python() {
  for candidate in ${PYTHON:-} python3.13 python3.12 python3.11 python3 python; do
    if command -v "$candidate" >/dev/null 2>&1 && "$candidate" -c \
      'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))' 2>/dev/null; then
      echo "$candidate"
      return
    fi
  done
  echo "agiza needs Python 3.11, 3.12 or 3.13 on PATH; set PYTHON=/path/to/python to name one" >&2
  exit 1
}

checksum() {
  # The interpreter belongs to the stamp: a venv made by another Python is made anew.
  # So does the folder: scripts in .venv/bin name it.
  { pwd; cat requirements/dev.txt requirements/uv.txt requirements/genai-previous.txt pyproject.toml scripts/setup.sh; \
    echo "$1"; } | cksum
}

python=$(find_python)
version=$("$python" -c 'import sys; print(sys.version)')
stamp=.venv/.agiza-setup
if [ -f "$stamp" ] && [ "$(cat "$stamp")" = "$(checksum "$version")" ] && .venv/bin/python -c '' 2>/dev/null; then
  exit 0
fi
echo "setting up .venv with $("$python" --version) (first time: a minute or two)" >&2
"$python" -m venv --clear .venv || {
  echo "the module venv does not work for $python (on Debian: apt install python3-venv), or set PYTHON" >&2
  exit 1
}
.venv/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements/uv.txt
export UV_LINK_MODE=copy VIRTUAL_ENV="$PWD/.venv"
# A package index that was set up for pip serves uv as well.
[ -z "${PIP_INDEX_URL:-}" ] || export UV_DEFAULT_INDEX="${UV_DEFAULT_INDEX:-$PIP_INDEX_URL}"
[ -z "${PIP_EXTRA_INDEX_URL:-}" ] || export UV_INDEX="${UV_INDEX:-$PIP_EXTRA_INDEX_URL}"
[ -z "${PIP_CERT:-}" ] || export SSL_CERT_FILE="${SSL_CERT_FILE:-$PIP_CERT}"
.venv/bin/uv pip install --quiet --require-hashes -r requirements/dev.txt
.venv/bin/uv pip install --quiet --no-deps -e .
# The previous major of the Gemini SDK, for the compatibility test of the Live simulator.
.venv/bin/uv venv --quiet --clear --python .venv/bin/python .venv-genai-previous
VIRTUAL_ENV="$PWD/.venv-genai-previous" .venv/bin/uv pip install --quiet --require-hashes -r requirements/genai-previous.txt
checksum "$version" > "$stamp"
