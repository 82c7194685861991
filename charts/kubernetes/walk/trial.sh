#!/usr/bin/env bash
# What charts/README.md promises of the trial, on one node or more: an install, `helm test`, then a call of two browsers over relays, during which edges are
# upgraded, NATS and the relays are replaced, and a node is drained and comes back. At the end what was made once is still there.
. "$(dirname "$0")/call.sh"

release="callmesh charts/callmesh -n $ns -f charts/callmesh/values/trial.yaml --set edges.replicas=2 --wait --timeout 4m"

say "helm install, by the trial's values"
helm install --create-namespace $release >"$work/notes"
kubectl get pods -n $ns -o wide
if [ ${#nodes[@]} -gt 1 ] && [ "$(on_nodes app.kubernetes.io/component=edge)" -ne 2 ]; then fail "both edges are on one node"; fi
say "helm test"
helm test callmesh -n $ns --timeout 4m --logs

say "browsers give a camera to pages with TLS alone, so the edges do TLS from now on"
page_certificate
release+=" --set edges.hosts={calls.example.org} --set edges.tls.secretName=page-tls --set edges.service.port=443 --set coturn.externalIP=node"
helm upgrade $release >"$work/notes"

step "a rolling upgrade of the edges" "helm upgrade $release --set edges.podAnnotations.walk=two"
step "NATS is replaced" "kubectl rollout restart -n $ns statefulset/callmesh-nats && kubectl rollout status -n $ns statefulset/callmesh-nats --timeout=3m"
step "an upgrade of everything, relays too" "helm upgrade $release --set edges.podAnnotations.walk=three --set coturn.podAnnotations.walk=three" mayReplaceRelay=true
drain="--ignore-daemonsets --delete-emptydir-data --timeout=3m"
if [ ${#nodes[@]} -gt 1 ]; then
	step "a node is drained" "kubectl drain node${#nodes[@]} $drain && kubectl rollout status -n $ns deployment/callmesh-edge --timeout=3m"
	step "and comes back" "kubectl uncordon node${#nodes[@]}"
else
	# Nothing can go anywhere else: the last edge stays until the node is back, as its budget says.
	step "the one node is drained, and comes back" "kubectl drain node1 ${drain/3m/15s} || kubectl uncordon node1; kubectl rollout status -n $ns deployment/callmesh-edge --timeout=3m"
fi
call

say "an uninstall keeps the secrets"
kubectl get secret callmesh-secrets -n $ns -o jsonpath='{.data}' >"$work/secrets"
helm uninstall callmesh -n $ns --wait
kubectl get secret callmesh-secrets -n $ns -o jsonpath='{.data}' | cmp - "$work/secrets"
say "all as it should be"
