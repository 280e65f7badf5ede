#!/usr/bin/env bash
# What is too long for `make test`. Each part is called by a target of the Makefile.
#   proof.sh fuzz TIME          every fuzz target for TIME
#   proof.sh drills OUT         the shipped scenarios, their reports in OUT
#   proof.sh stability OUT N S  scenario S N times, every report kept in OUT
set -euo pipefail
cd "$(dirname "$0")/.."
part=${1:?part}; shift

case $part in
fuzz)
  for package in $(git grep -l '^func Fuzz' -- '*_test.go' | xargs -n1 dirname | sort -u); do
    for target in $(grep -ho '^func Fuzz[A-Za-z0-9_]*' "$package"/*_test.go | sed 's/^func //'); do
      echo "fuzz $package $target for $1"
      go test -run '^$' -fuzz "^$target\$" -fuzztime "$1" "./$package"
    done
  done
  ;;
drills)
  # A scenario that asks for more than this machine has fails honestly: only the others must pass.
  for scenario in smoke black-friday; do
    bin/stampede run $scenario --out "$1/$scenario"
  done
  bin/stampede run peak-20x --out "$1/peak-20x" || [ $? -ne 1 ]
  ;;
stability)
  pass=0 fail=0
  for i in $(seq 1 "$2"); do
    code=0
    bin/stampede run "$3" --quiet --seed "$i" --out "$1/$i" || code=$?
    case $code in
    0) pass=$((pass + 1)) ;;
    99) fail=$((fail + 1)) ;;
    esac
  done
  echo "$pass of $2 PASS, $fail FAIL; reports in $1"
  [ $fail -eq 0 ] && [ $((pass * 20)) -ge $(($2 * 19)) ]
  ;;
*)
  echo "proof.sh: unknown part $part" >&2
  exit 2
  ;;
esac
