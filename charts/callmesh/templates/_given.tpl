{{/* The Secrets that whoever installs makes, as a YAML list of: the value that names one, its name, and the keys that pods or the Ingress take from it. Those that
     cert-manager fills are not among them. */}}
{{- define "callmesh.given" -}}
{{- $v := .Values }}
{{- with $v.secrets.existingSecret }}
{{- $keys := list "auth-secret" "turn-secret" }}
{{- if $v.coturn.enabled }}{{ $keys = append $keys "turn-cli-password" }}{{ end }}
{{- if $v.probe.enabled }}{{ $keys = append $keys "operator-token" }}{{ end }}
- {{ dict "value" "secrets.existingSecret" "name" . "keys" $keys | toJson }}
{{- end }}
{{- if $v.nats.enabled }}
{{- with $v.nats.existingSecret }}
{{- $keys := list "password" "route-password" }}
{{- if $v.probe.enabled }}{{ $keys = concat $keys (list "probe-agent-password" "probe-run-password" "probe-report-password") }}{{ end }}
- {{ dict "value" "nats.existingSecret" "name" . "keys" $keys | toJson }}
{{- end }}
{{- if and $v.nats.tls.enabled $v.nats.tls.secretName }}
- {{ dict "value" "nats.tls.secretName" "name" $v.nats.tls.secretName "keys" (list "tls.crt" "tls.key" "ca.crt") | toJson }}
{{- end }}
{{- if $v.nats.gateways.enabled }}
- {{ dict "value" "nats.gateways.secretName" "name" $v.nats.gateways.secretName "keys" (list "password" "tls.crt" "tls.key" "ca.crt") | toJson }}
{{- end }}
{{- else if $v.nats.external.secretKeys }}
- {{ dict "value" "nats.external.secretName" "name" $v.nats.external.secretName "keys" $v.nats.external.secretKeys | toJson }}
{{- end }}
{{- if not $v.certificates.enabled }}
{{- $pair := list "tls.crt" "tls.key" }}
{{- with $v.edges.tls.secretName }}
- {{ dict "value" "edges.tls.secretName" "name" . "keys" $pair | toJson }}
{{- end }}
{{- if and $v.edges.ingress.enabled $v.edges.ingress.tlsSecretName }}
- {{ dict "value" "edges.ingress.tlsSecretName" "name" $v.edges.ingress.tlsSecretName "keys" $pair | toJson }}
{{- end }}
{{- if and $v.coturn.enabled $v.coturn.tls.secretName }}
- {{ dict "value" "coturn.tls.secretName" "name" $v.coturn.tls.secretName "keys" (concat $pair (compact (list $v.coturn.tls.authorityKey))) | toJson }}
{{- end }}
{{- end }}
{{- end }}
