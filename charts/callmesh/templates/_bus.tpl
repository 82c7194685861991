{{/* How programs come to NATS: what stands in their configuration, what comes as variables, and what is mounted at /etc/callmesh/nats. */}}

{{- define "callmesh.natsName" -}}
{{ include "callmesh.fullname" . }}-nats
{{- end }}

{{- define "callmesh.natsTLSSecret" -}}
{{ default (printf "%s-tls" (include "callmesh.natsName" .)) .Values.nats.tls.secretName }}
{{- end }}

{{- define "callmesh.natsPasswords" -}}
{{ default (include "callmesh.natsName" .) .Values.nats.existingSecret }}
{{- end }}

{{/* Each node by its own name: a client knows them all, and leaves one that is about to stop. Takes root, user and password. */}}
{{- define "callmesh.natsURLs" -}}
{{- $name := include "callmesh.natsName" .root -}}
{{- $nats := .root.Values.nats -}}
{{- $urls := list -}}
{{- range $i := until (int $nats.replicas) -}}
{{- $urls = append $urls (printf "%s://%s:%s@%s-%d.%s-nodes.%s.svc:4222" (ternary "tls" "nats" $nats.tls.enabled) $.user $.password $name $i $name $.root.Release.Namespace) -}}
{{- end -}}
{{- join "," $urls -}}
{{- end }}

{{- define "callmesh.natsKeys" -}}
{{- if .Values.nats.enabled -}}
{{- if .Values.nats.tls.enabled }}nats-ca: /etc/callmesh/nats/ca.crt{{ end }}
{{- else -}}
{{- $e := .Values.nats.external -}}
{{- if not (has "url" $e.secretKeys) }}
nats-url: {{ toJson $e.urls }}
{{- end }}
{{- if has "user.creds" $e.secretKeys }}
nats-creds: /etc/callmesh/nats/user.creds
{{- end }}
{{- if has "ca.crt" $e.secretKeys }}
nats-ca: /etc/callmesh/nats/ca.crt
{{- end }}
{{- if has "tls.crt" $e.secretKeys }}
nats-cert: /etc/callmesh/nats/tls.crt
nats-key: /etc/callmesh/nats/tls.key
{{- end }}
{{- end -}}
{{- end }}

{{/* Takes root and user: callmesh, who may do all, or one of probe's. With NATS elsewhere all are whoever its Secret says. */}}
{{- define "callmesh.natsEnv" -}}
{{- $v := .root.Values }}
{{- if $v.nats.enabled }}
- name: NATS_PASSWORD
  valueFrom: {secretKeyRef: {name: {{ include "callmesh.natsPasswords" .root | quote }}, key: {{ ternary "password" (printf "%s-password" .user) (eq .user "callmesh") }}}}
- name: CALLMESH_NATS_URL
  value: {{ include "callmesh.natsURLs" (merge (dict "password" "$(NATS_PASSWORD)") .) | quote }}
{{- else if has "url" $v.nats.external.secretKeys }}
- name: CALLMESH_NATS_URL
  valueFrom: {secretKeyRef: {name: {{ $v.nats.external.secretName | quote }}, key: url}}
{{- end }}
{{- end }}

{{/* The files among those keys, as items of a volume; empty where there is none. */}}
{{- define "callmesh.natsVolume" -}}
{{- $files := list -}}
{{- if .Values.nats.enabled -}}
{{- if .Values.nats.tls.enabled }}{{ $files = list "ca.crt" }}{{ end -}}
{{- else }}{{ $files = without .Values.nats.external.secretKeys "url" }}{{ end -}}
{{- if $files }}
- name: nats
  secret:
    secretName: {{ ternary (include "callmesh.natsTLSSecret" .) .Values.nats.external.secretName .Values.nats.enabled | quote }}
    defaultMode: 0440
    items:
      {{- range $files }}
      - {key: {{ . | quote }}, path: {{ . | quote }}}
      {{- end }}
{{- end }}
{{- end }}

{{- define "callmesh.natsMount" -}}
{{- if include "callmesh.natsVolume" . }}
- {name: nats, mountPath: /etc/callmesh/nats, readOnly: true}
{{- end }}
{{- end }}
