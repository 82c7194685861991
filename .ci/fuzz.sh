#!/usr/bin/env bash
# Runs every fuzz target for a while: .ci/fuzz.sh [TIME], 20s by default. What goes through maps covers other lines each time, and would be made shorter for as long as it may: so little.
set -euo pipefail

time=${1:-20s}
for dir in $(grep -rl --include='*_test.go' '^func Fuzz' . | xargs -n1 dirname | sort -u); do
	for target in $(go test -list '^Fuzz' "$dir" | grep '^Fuzz'); do
		"$(dirname "$0")/stage" "$dir $target" go test -run '^$' -fuzz "^$target\$" -fuzztime "$time" -fuzzminimizetime 100x "$dir"
	done
done
