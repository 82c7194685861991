#!/usr/bin/env bash
# values/production.yaml on three nodes, and a fourth for relays alone, as it asks for: three NATS with volumes, autoscaled edges, a relay with TLS on 443, probe's
# agents. A night's run of probe, a call, and in it a rolling upgrade of all NATS nodes and a drain. What is set otherwise: smaller requests, as four nodes share
# this machine; no Ingress controller, so edges do TLS themselves; no Prometheus operator; secrets are given, as for Argo CD.
. "$(dirname "$0")/call.sh"

[ ${#nodes[@]} -eq 4 ] || fail "it takes four nodes: cluster -nodes 4"
kubectl create namespace $ns
kubectl label node node4 callmesh/relay=true
kubectl taint node node4 callmesh/relay=true:NoSchedule
page_certificate
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 -subj /CN=turn.example.org -addext "subjectAltName=DNS:*.turn.example.org" \
	-keyout "$work/turn.key" -out "$work/turn.crt" 2>/dev/null
kubectl create secret tls turn-tls -n $ns --cert="$work/turn.crt" --key="$work/turn.key"
new() { echo "--from-literal=$1=a$(openssl rand -hex 32)"; }
kubectl create secret generic given -n $ns $(for key in auth-secret turn-secret turn-cli-password operator-token; do new $key; done)
kubectl create secret generic given-nats -n $ns $(for key in password route-password probe-agent-password probe-run-password probe-report-password; do new $key; done)

cat >"$work/values.yaml" <<'YAML'
images: {registry: localhost/callmesh}
edges:
  guests: true
  trustedProxies: []
  ingress: {enabled: false, className: "", host: "", tlsSecretName: ""}
  tls: {secretName: page-tls}
  service: {port: 443}
  resources: {requests: {cpu: 50m, memory: 64Mi}}
nats:
  existingSecret: given-nats
  resources: {requests: {cpu: 50m, memory: 64Mi}}
coturn:
  externalIP: node
  tls: {authorityKey: tls.crt} # which has signed itself
  drainSeconds: 60
  resources: {requests: {cpu: 50m, memory: 64Mi}}
secrets: {existingSecret: given}
monitoring: {serviceMonitor: {enabled: false}, prometheusRule: {enabled: false}}
YAML
release="callmesh charts/callmesh -n $ns -f charts/callmesh/values/production.yaml -f $work/values.yaml --wait --timeout 5m"

say "helm install, by production's values"
helm install $release >"$work/notes"
kubectl get pods -n $ns -o wide
[ "$(on_nodes app.kubernetes.io/component=nats)" -eq 3 ] || fail "NATS is not on three nodes"
[ "$(on_nodes app.kubernetes.io/component=edge)" -eq 3 ] || fail "edges are not on three nodes"

say "edges that there are more of have room: a node that is kept for relays holds nobody up"
release+=" --set edges.autoscaling.minReplicas=5"
helm upgrade $release >"$work/notes"
kubectl wait -n $ns --for=jsonpath='{.status.readyReplicas}'=5 --timeout=3m deployment/callmesh-edge

say "the relay does TLS on 443, as the Secret has it"
openssl s_client -connect 203.0.113.14:443 -servername node4.turn.example.org -CAfile "$work/turn.crt" -verify_hostname node4.turn.example.org -verify_return_error </dev/null 2>&1 |
	grep -E 'Verification: OK' || fail "no TLS that is trusted"

say "a night's run of probe, now"
kubectl create job -n $ns --from=cronjob/callmesh-probe-run tonight
kubectl wait -n $ns --for=condition=complete --timeout=4m job/tonight || { kubectl logs -n $ns job/tonight --all-containers --tail=50; fail "the run did not complete"; }
kubectl logs -n $ns job/tonight --tail=30

drain="--ignore-daemonsets --delete-emptydir-data --timeout=4m"
step "a rolling upgrade of edges and NATS" "helm upgrade $release --set edges.podAnnotations.walk=two --set nats.podAnnotations.walk=two"
step "a node is drained" "kubectl drain node2 $drain"
step "and comes back" "kubectl uncordon node2 && kubectl rollout status -n $ns statefulset/callmesh-nats --timeout=3m"
call
say "all as it should be"
