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
  {{- range list "kubernetes.io/hostname" "topology.kubernetes.io/zone" }}
  - maxSkew: 1
    topologyKey: {{ . }}
    # A cluster without zones has to be one that can be deployed to.
    whenUnsatisfiable: {{ if eq . "kubernetes.io/hostname" }}{{ $.values.whenUnsatisfiable }}{{ else }}ScheduleAnyway{{ end }}
    # Nodes that pods may not run on, and those that are being emptied, would count as empty ones that are to be filled first.
    nodeTaintsPolicy: Honor
    labelSelector:
      matchLabels: {{- include "callmesh.selector" $ | nindent 8 }}
    matchLabelKeys: [{{ if eq $.component "nats" }}controller-revision-hash{{ else }}pod-template-hash{{ end }}]
  {{- end }}
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
