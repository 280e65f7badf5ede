#!/usr/bin/env bash
# What is too long for `make test`. Each part is called by a target of the Makefile.
#   proof.sh fuzz TIME [DIR...] every fuzz target, of the given folders only, for TIME
#   proof.sh durable            the embedded DynamoDB: kills, power loss, full disk, histories, abuse
#   proof.sh drills OUT         the shipped scenarios, their reports in OUT
#   proof.sh day OUT [V [S]]    the scenario day, or the share V of its volume (1%), at speed S
#   proof.sh calibrate OUT      the generator's latencies against the truth, and what a request costs it
#   proof.sh stability OUT N S  scenario S N times, every report kept in OUT
set -euo pipefail
cd "$(dirname "$0")/.."
part=${1:?part}; shift

# fuzz TARGET TIME PACKAGE. Go's fuzzer sometimes takes the end of its time for a failure of the
# target (golang/go#75804, mended in Go 1.27): a run that failed with that alone, no input being
# named, is made again.
fuzz() {
  local said
  for _ in 1 2 3; do
    if said=$(go test -run '^$' -fuzz "^$1\$" -fuzztime "$2" "$3" 2>&1); then
      return 0
    fi
    if grep -q 'Failing input' <<<"$said" || ! grep -q 'context deadline exceeded' <<<"$said"; then
      break
    fi
    echo "the fuzzer tripped over the end of its time: once more"
  done
  echo "$said"
  return 1
}

case $part in
fuzz)
  time=$1; shift
  [ $# -gt 0 ] || set -- chaos loadgen reference reports scenarios
  for package in $(grep -rl --include='*_test.go' '^func Fuzz' "$@" | xargs -n1 dirname | sort -u); do
    for target in $(grep -ho '^func Fuzz[A-Za-z0-9_]*' "$package"/*_test.go | sed 's/^func //'); do
      echo "fuzz $package $target for $time"
      fuzz "$target" "$time" "./$package"
    done
  done
  ;;
durable)
  STAMPEDE_PROOF=long STAMPEDE_BIN=$PWD/bin/stampede go test -count=1 -timeout 30m -v ./reference/cloud/dynamodb/proof |
    grep -E '^(---|ok|FAIL|panic|PASS)|_test\.go:|Error|skipped'
  ;;
drills)
  for scenario in smoke black-friday; do
    bin/stampede run $scenario --out "$1/$scenario"
  done
  # peak-20x asks for more than a small machine has, and then fails honestly. What must hold
  # anywhere is that a run comes to a verdict and that no event is lost, doubled or invented.
  code=0
  bin/stampede run peak-20x --out "$1/peak-20x" || code=$?
  case $code in
  0 | 3 | 4 | 99) ;;
  *) exit $code ;;
  esac
  if grep -E '^\| FAIL \| (events|minute|hour|day|order|stock|api)-' "$1/peak-20x/summary.md"; then
    exit 99
  fi
  ;;
day)
  bin/stampede run day --out "$1" --set load.volume="${2:-100%}" ${3:+--speed "$3"}
  ;;
calibrate)
  # vegeta, k6 and fortio stand beside it in the tables where they are installed.
  PATH=$PATH:$(go env GOPATH)/bin
  mkdir -p "$1"
  code=0
  bin/stampede load --calibrate >"$1/truth.md" || code=$?
  cat "$1/truth.md"
  bin/stampede load --cost >"$1/cost.md"
  cat "$1/cost.md"
  # A machine that is too busy says INVALID (4), and nothing about the generator.
  [ $code -eq 0 ] || [ $code -eq 4 ]
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
