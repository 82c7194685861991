{{/* What all pods share. Takes root, and component. */}}
{{- define "callmesh.pod" -}}
{{- $own := and (eq .component "relay") (eq .root.Values.coturn.externalIP "node") }}
serviceAccountName: {{ printf "%s%s" (include "callmesh.fullname" .root) (ternary "-relay" "" $own) | quote }}
automountServiceAccountToken: false
# The variables that Kubernetes makes of Services begin with CALLMESH_ too, and programs refuse those that they do not know.
enableServiceLinks: false
{{- with .root.Values.images.pullSecrets }}
imagePullSecrets:
  {{- range . }}
  - name: {{ . | quote }}
  {{- end }}
{{- end }}
{{- end }}

{{- define "callmesh.podSecurity" -}}
runAsNonRoot: true
runAsUser: 65532
runAsGroup: 65532
fsGroup: 65532
fsGroupChangePolicy: OnRootMismatch
seccompProfile: {type: RuntimeDefault}
{{- end }}

{{- define "callmesh.containerSecurity" -}}
allowPrivilegeEscalation: false
readOnlyRootFilesystem: true
capabilities: {drop: [ALL]}
{{- end }}

{{/* Where pods of a component are put. Takes root, component and its values. */}}
{{- define "callmesh.placement" -}}
topologySpreadConstraints:
  - maxSkew: 1
    topologyKey: kubernetes.io/hostname
    whenUnsatisfiable: {{ .values.whenUnsatisfiable }}
    labelSelector:
      matchLabels: {{- include "callmesh.selector" . | nindent 8 }}
    # Nodes that pods may not run on, and those that are being emptied, would count as empty ones that are to be filled first.
    nodeTaintsPolicy: Honor
    matchLabelKeys: [{{ if eq .component "nats" }}controller-revision-hash{{ else }}pod-template-hash{{ end }}]
# Not a second constraint: where nodes have no zones, a scheduler that may pass over one passes over both.
affinity:
  podAntiAffinity:
    preferredDuringSchedulingIgnoredDuringExecution:
      - weight: 100
        podAffinityTerm:
          topologyKey: topology.kubernetes.io/zone
          labelSelector:
            matchLabels: {{- include "callmesh.selector" . | nindent 14 }}
{{- include "callmesh.nodes" .values }}
{{- end }}

{{- define "callmesh.nodes" -}}
{{- with .nodeSelector }}
nodeSelector: {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .tolerations }}
tolerations: {{- toYaml . | nindent 2 }}
{{- end }}
{{- end }}
