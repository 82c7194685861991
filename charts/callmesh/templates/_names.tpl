{{- define "callmesh.fullname" -}}
{{- if .Values.fullnameOverride }}{{ .Values.fullnameOverride | trunc 40 | trimSuffix "-" }}
{{- else }}{{ $name := default .Chart.Name .Values.nameOverride -}}
{{- if contains $name .Release.Name }}{{ .Release.Name | trunc 40 | trimSuffix "-" }}
{{- else }}{{ printf "%s-%s" .Release.Name $name | trunc 40 | trimSuffix "-" }}{{ end }}{{ end -}}
{{- end }}

{{/* What never changes of a component's labels, for selectors. Takes root and component. */}}
{{- define "callmesh.selector" -}}
app.kubernetes.io/name: {{ default .root.Chart.Name .root.Values.nameOverride | quote }}
app.kubernetes.io/instance: {{ .root.Release.Name | quote }}
app.kubernetes.io/component: {{ .component | quote }}
{{- end }}

{{/* Those of pods: nothing that a new version of the chart changes, or it would restart every relay. */}}
{{- define "callmesh.podLabels" -}}
{{ include "callmesh.selector" . }}
app.kubernetes.io/part-of: callmesh
callmesh/region: {{ .root.Values.region | quote }}
{{- end }}

{{- define "callmesh.labels" -}}
{{ include "callmesh.selector" . }}
app.kubernetes.io/part-of: callmesh
app.kubernetes.io/version: {{ .root.Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .root.Release.Service | quote }}
helm.sh/chart: {{ printf "%s-%s" .root.Chart.Name .root.Chart.Version | quote }}
callmesh/region: {{ .root.Values.region | quote }}
{{- end }}

{{/* The reference of an image. Takes root and name. */}}
{{- define "callmesh.image" -}}
{{- $i := .root.Values.images -}}
{{- default (printf "%s/%s:%s" $i.registry .name (default .root.Chart.AppVersion $i.tag)) (index $i .name) -}}
{{- end }}

{{- define "callmesh.secretName" -}}
{{ default (printf "%s-secrets" (include "callmesh.fullname" .)) .Values.secrets.existingSecret }}
{{- end }}

{{/* How a value of a Secret stays what it was: from the Secret as it stands in the cluster, or made anew. Takes old (its data) and key, prefix. */}}
{{- define "callmesh.kept" -}}
{{- if hasKey .old .key }}{{ index .old .key }}{{ else }}{{ printf "%s%s" (get . "prefix") (randAlphaNum 48) | b64enc }}{{ end -}}
{{- end }}

{{/* The name of the edges in the cluster. */}}
{{- define "callmesh.edgeHost" -}}
{{ include "callmesh.fullname" . }}-edge.{{ .Release.Namespace }}.svc
{{- end }}

{{/* Whether edges take a name: "yes" or nothing. Takes root and host. */}}
{{- define "callmesh.hostTaken" -}}
{{- $hosts := .root.Values.edges.hosts -}}
{{- if or (not $hosts) (has .host $hosts) (has (regexReplaceAll "^[^.]+" .host "*") $hosts) }}yes{{ end -}}
{{- end }}
