{{/* NATS' users with probe: its three may do what probe/README.md says that they need, and nothing of rooms and people. */}}
{{- define "callmesh.natsUsers" -}}
{{- $regions := append (keys .Values.nats.gateways.regions) .Values.region | uniq | sortAlpha -}}
{{- if not .Values.nats.gateways.enabled }}{{ $regions = list .Values.region }}{{ end -}}
{{- $agents := list -}}
{{- range $i := until (int .Values.probe.agents) }}{{ $agents = append $agents (printf "%s-pod-%d" $.Values.region $i) }}{{ end }}

authorization {
  users: [
    # Edges, and relays' agents.
    {user: "callmesh", password: $NATS_PASSWORD}
    {user: "probe-agent", password: $NATS_PROBE_AGENT_PASSWORD, permissions: {
      publish: [
        "$JS.API.STREAM.NAMES", "cmx.agent.*.*"
        {{- range $region := $regions }}
        {{ printf "cm.%s.*.mark" $region | quote }}
        {{- include "callmesh.natsRead" (printf "KV_cm_agents_%s" $region) }}
        {{- range $agents }}
        {{ printf "$KV.cm_agents_%s.agent.%s" $region . | quote }}
        {{- end }}
        {{- end }}
      ]
      subscribe: [
        "cmx.lease.*"
        {{- range $agents }}
        {{ printf "cmx.agent.%s.*" . | quote }}, {{ printf "_INBOX.probe-agent.%s.>" . | quote }}
        {{- end }}
      ]
      allow_responses: true
    }}
    {user: "probe-run", password: $NATS_PROBE_RUN_PASSWORD, permissions: {
      publish: [
        "$JS.API.STREAM.NAMES", "cmx.agent.*.*"
        {{- range $region := $regions }}
        {{ printf "cm.%s.*.mark" $region | quote }}, {{ printf "cm.%s.traversal.probe.*" $region | quote }}
        {{- range list "KV_cm_agents" "KV_cm_relays" "CMTRAVERSALS_probe" }}
        {{- $stream := printf "%s_%s" . $region }}
        {{- include "callmesh.natsRead" $stream }}
        {{- include "callmesh.natsConsume" $stream }}
        {{- if hasPrefix "KV_" . }}
        {{ printf "$JS.ACK.%s.>" $stream | quote }}
        {{- end }}
        {{- end }}
        {{- end }}
      ]
      subscribe: ["cmx.lease.*", "_INBOX.probe-run.>"]
    }}
    {user: "probe-report", password: $NATS_PROBE_REPORT_PASSWORD, permissions: {
      publish: [
        "$JS.API.STREAM.NAMES"
        {{- range $region := $regions }}
        {{ printf "cm.%s.*.mark" $region | quote }}, {{ printf "$JS.API.STREAM.INFO.KV_cm_agents_%s" $region | quote }}
        {{- range list "CMTRAVERSALS_probe" "CMTRAVERSALS_call" }}
        {{- include "callmesh.natsRead" (printf "%s_%s" . $region) }}
        {{- include "callmesh.natsConsume" (printf "%s_%s" . $region) }}
        {{- end }}
        {{- end }}
      ]
      subscribe: ["cmx.lease.*", "_INBOX.probe-report.>", "_INBOX.probe-serve.>"]
    }}
  ]
}
{{- end }}

{{/* What it takes to look into a stream, whose name this takes, and to have all that is in it. */}}
{{- define "callmesh.natsRead" }}
        {{ printf "$JS.API.STREAM.INFO.%s" . | quote }}, {{ printf "$JS.API.STREAM.MSG.GET.%s" . | quote }}, {{ printf "$JS.API.DIRECT.GET.%s" . | quote }}
{{- end }}

{{- define "callmesh.natsConsume" }}
        {{ printf "$JS.API.CONSUMER.CREATE.%s.>" . | quote }}, {{ printf "$JS.API.CONSUMER.MSG.NEXT.%s.*" . | quote }}, {{ printf "$JS.API.CONSUMER.DELETE.%s.*" . | quote }}
{{- end }}
