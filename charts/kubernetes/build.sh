#!/usr/bin/env bash
# Builds Kubernetes from its Go modules: charts/kubernetes/build.sh apiserver OUT, for the tests of the chart, or charts/kubernetes/build.sh cluster FOLDER,
# a whole one. On a machine that has built none of it the first takes six minutes of one core, so three on two, and the second twenty; again, a moment.
set -euo pipefail

if [ $# -ne 2 ]; then
	echo "usage: build.sh apiserver OUT | cluster FOLDER" >&2
	exit 2
fi
out=$(realpath -m "$2")
cd "$(dirname "$0")"
version=$(go list -m -f '{{.Version}}' k8s.io/kubernetes)
stamp=
for package in k8s.io/component-base/version k8s.io/client-go/pkg/version; do
	stamp+="-X $package.gitVersion=$version -X $package.gitMajor=${version:1:1} -X $package.gitMinor=$(cut -d. -f2 <<<"$version") "
done
# Nobody debugs it, and a compiler with memory to spare is faster.
export GOGC=800 CGO_ENABLED=0 GOWORK=off
build() { go build -gcflags=all=-dwarf=false -ldflags="-s -w $stamp" -o "$@"; }

case $1 in
apiserver)
	build "$out" ./apiserver
	;;
cluster)
	mkdir -p "$out"
	build "$out/" ./cluster ./components ./pause
	go build -C dns -ldflags=-s -o "$out/dns" .
	helm=$(go list -C ../test -m -f '{{.Version}}' helm.sh/helm/v4) # the one that the chart's tests are compiled with
	GOBIN=$out go install -ldflags=-s "helm.sh/helm/v4/cmd/helm@$helm"
	;;
*)
	echo "build.sh: $1 is neither apiserver nor cluster" >&2
	exit 2
	;;
esac
