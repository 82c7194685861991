# What walks do: releases, a page's certificate, and a call of two browsers during which things are done to the cluster. Sourced by them.
set -euo pipefail

: "${CLUSTER:?run by charts/kubernetes/cluster, which sets it}"
ns=callmesh
work=$CLUSTER/walk
mkdir -p "$work"
read -ra nodes <<<"$CLUSTER_NODES"

say() { echo "walk: $*"; }
fail() {
	say "$*"
	exit 1
}
# What is asked first when something is wrong.
trap 'status=$?; if [ $status -ne 0 ]; then say "failed; the cluster at that moment:"; kubectl get pods -A -o wide; kubectl get events -A --sort-by=.lastTimestamp | tail -n 30; fi' EXIT

# on_nodes SELECTOR: on how many nodes its pods are.
on_nodes() { kubectl get pods -n $ns -l "$1" -o jsonpath='{range .items[*]}{.spec.nodeName}{"\n"}{end}' | sort -u | wc -l; }

# page_certificate: Secret page-tls, for calls.example.org. Chromium is told to trust its key, $trust.
page_certificate() {
	openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 -subj /CN=calls.example.org -addext subjectAltName=DNS:calls.example.org \
		-keyout "$work/tls.key" -out "$work/tls.crt" 2>/dev/null
	kubectl create secret tls page-tls -n $ns --cert="$work/tls.crt" --key="$work/tls.key"
	trust=$(openssl x509 -in "$work/tls.crt" -pubkey -noout | openssl pkey -pubin -outform der | openssl dgst -sha256 -binary | base64)
}

# step NAME COMMAND [KEY=VALUE...]: what is done during the call, in the words of web/e2e/cluster/plan.ts. COMMAND has no quotes in it.
steps=()
step() {
	local more=""
	for pair in "${@:3}"; do more+=", \"${pair%%=*}\": ${pair#*=}"; done
	steps+=("{\"name\": \"$1\", \"command\": [\"bash\", \"-euc\", \"$2\"]$more}")
}

# call: two browsers, at the edges' Service, over relays alone, while the steps are taken.
call() {
	(
		IFS=,
		echo "[${steps[*]}]"
	) >"$work/steps.json"
	page=https://$(kubectl get service callmesh-edge -n $ns -o jsonpath='{.spec.clusterIP}')
	say "two browsers call each other over the relays, at $page"
	CALL_EDGES=$page CALL_TRUST=$trust CALL_STEPS=$work/steps.json npm --prefix web run --silent e2e-cluster
}
