#!/usr/bin/env bash
# The whole suite. First three workers, also on two cores: many tests wait for real time to pass (telephone calls). Each
# file stays with one worker, so that what its tests share is started once, and the longest files begin
# (tests/conftest.py). Then, one after the other, what a machine under load cannot show: spoken calls, whose
# listeners need the processor as a person needs quiet.
# Extra arguments go to pytest: make test ARGS="-k cart". With COVER=yes the first part also measures the branch coverage
# of the parts that decide (scripts/coverage.sh says of which), so that nothing has to run twice for it.
set -uo pipefail
cd "$(dirname "$0")/.."

readonly NOTHING_COLLECTED=5
cover=()
if [ "${COVER:-}" = yes ]; then mapfile -t cover < <(scripts/coverage.sh --options); fi
.venv/bin/pytest -q -n 3 --dist loadfile --no-loadscope-reorder -m "not alone" ${cover[@]+"${cover[@]}"} "$@"
together=$?
.venv/bin/pytest -q -m alone "$@"
alone=$?
for code in $together $alone; do
  if [ "$code" -ne 0 ] && [ "$code" -ne $NOTHING_COLLECTED ]; then exit "$code"; fi
done
if [ $together -eq $NOTHING_COLLECTED ] && [ $alone -eq $NOTHING_COLLECTED ]; then exit $NOTHING_COLLECTED; fi
exit 0
