#!/usr/bin/env bash
# What the tests need of the system besides Python: a Chromium, for the pages that are tested in a real browser.
# On Debian and as root it is installed when it is missing; otherwise this says what to do.
set -euo pipefail

readonly WAIT_S=240

if [ -n "${AGIZA_CHROMIUM:-}" ]; then
  [ -x "$AGIZA_CHROMIUM" ] && exit 0
  echo "AGIZA_CHROMIUM names $AGIZA_CHROMIUM, which cannot be run" >&2
  exit 1
fi
if command -v chromium >/dev/null 2>&1 || command -v chromium-browser >/dev/null 2>&1; then exit 0; fi
if [ "$(id -u)" -ne 0 ] || ! command -v apt-get >/dev/null 2>&1; then
  echo "no Chromium for the tests of pages: install it (on Debian: apt-get install chromium), or name one in AGIZA_CHROMIUM" >&2
  exit 1
fi
echo "installing chromium for the tests of pages" >&2
export DEBIAN_FRONTEND=noninteractive
log=$(mktemp)
trap 'rm -f "$log"' EXIT
quietly() {
  timeout "$WAIT_S" "$@" >"$log" 2>&1 && return
  tail -n 20 "$log" >&2
  echo "could not install chromium ($*): install it by hand, or name one in AGIZA_CHROMIUM" >&2
  exit 1
}
quietly apt-get update -q -o Acquire::Retries=2
quietly apt-get install -q -y --no-install-recommends -o DPkg::Lock::Timeout=60 chromium
command -v chromium >/dev/null
