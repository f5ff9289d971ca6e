{{/* Names, labels, and the configuration as TOML. */}}

{{- define "sluice.name" -}}
{{- default .Chart.Name .Values.nameOverride | trunc 50 | trimSuffix "-" -}}
{{- end -}}

{{/* At most 50 characters: the longest of what is added makes it 63. */}}
{{- define "sluice.fullname" -}}
{{- if .Values.fullnameOverride -}}
{{- .Values.fullnameOverride | trunc 50 | trimSuffix "-" -}}
{{- else if contains (include "sluice.name" .) .Release.Name -}}
{{- .Release.Name | trunc 50 | trimSuffix "-" -}}
{{- else -}}
{{- printf "%s-%s" .Release.Name (include "sluice.name" .) | trunc 50 | trimSuffix "-" -}}
{{- end -}}
{{- end -}}

{{- define "sluice.selectorLabels" -}}
app.kubernetes.io/name: {{ include "sluice.name" . }}
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end -}}

{{- define "sluice.labels" -}}
{{ include "sluice.selectorLabels" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" }}
{{- end -}}

{{- define "sluice.image" -}}
{{- $image := printf "%s:%s" .Values.image.repository (default .Chart.AppVersion .Values.image.tag) -}}
{{- with .Values.image.digest }}{{ $image = printf "%s@%s" $image . }}{{ end -}}
{{- $image -}}
{{- end -}}

{{- define "sluice.serviceAccountName" -}}
{{- if .Values.serviceAccount.create -}}
{{- default (include "sluice.fullname" .) .Values.serviceAccount.name -}}
{{- else -}}
{{- default "default" .Values.serviceAccount.name -}}
{{- end -}}
{{- end -}}

{{- define "sluice.configMapName" -}}
{{- default (include "sluice.fullname" .) .Values.existingConfigMap -}}
{{- end -}}

{{- define "sluice.secretName" -}}
{{- default (include "sluice.fullname" .) .Values.existingSecret -}}
{{- end -}}

{{/* Seconds until the kubelet kills: what the proxy takes, and some more. */}}
{{- define "sluice.graceSeconds" -}}
{{- $limits := default dict .Values.config.limits -}}
{{- $stop := 8 -}}
{{- if hasKey $limits "shutdown_seconds" }}{{ $stop = ceil $limits.shutdown_seconds }}{{ end -}}
{{- add (int64 $stop) (int64 .Values.stopMarginSeconds) (int64 .Values.preStopSeconds) -}}
{{- end -}}

{{/* What may become of the pod: the Pod Security level "restricted", and a root that cannot be written to. */}}
{{- define "sluice.podSecurityContext" -}}
runAsNonRoot: true
runAsUser: 10001
runAsGroup: 10001
fsGroup: 10001
fsGroupChangePolicy: OnRootMismatch
seccompProfile:
  type: RuntimeDefault
{{- end -}}

{{- define "sluice.securityContext" -}}
allowPrivilegeEscalation: false
readOnlyRootFilesystem: true
capabilities:
  drop: [ALL]
{{- end -}}

{{/* A value in TOML.  Numbers of a values file are floating point all of them, and 10.0 is no whole number there. */}}
{{- define "sluice.toml.value" -}}
{{- if kindIs "map" . -}}
{ {{- $first := true }}{{ range $key := keys . | sortAlpha }}{{ if not $first }},{{ end }} {{ $key }} = {{ include "sluice.toml.value" (get $ $key) }}{{ $first = false }}{{ end }} }
{{- else if kindIs "slice" . -}}
[{{ range $index, $item := . }}{{ if $index }}, {{ end }}{{ include "sluice.toml.value" $item }}{{ end }}]
{{- else if kindIs "string" . -}}
{{ toJson . }}
{{- else if and (kindIs "float64" .) (eq (floor .) .) (lt . 1e15) (gt . -1e15) -}}
{{ int64 . }}
{{- else -}}
{{ toString . }}
{{- end -}}
{{- end -}}

{{/* A table with those in it; takes a dict of its path and itself. */}}
{{- define "sluice.toml.table" -}}
{{- $path := .path -}}
{{- $table := .table -}}
{{- range $key := keys $table | sortAlpha }}
{{- $value := get $table $key }}
{{- if not (or (kindIs "invalid" $value) (kindIs "map" $value) (include "sluice.toml.isTables" $value)) }}
{{ $key }} = {{ include "sluice.toml.value" $value }}
{{- end }}
{{- end }}
{{- range $key := keys $table | sortAlpha }}
{{- $value := get $table $key }}
{{- $name := empty $path | ternary $key (printf "%s.%s" $path $key) }}
{{- if kindIs "map" $value }}

[{{ $name }}]
{{- include "sluice.toml.table" (dict "path" $name "table" $value) }}
{{- else if include "sluice.toml.isTables" $value }}
{{- range $item := $value }}

[[{{ $name }}]]
{{- range $each := keys $item | sortAlpha }}
{{- if not (kindIs "invalid" (get $item $each)) }}
{{ $each }} = {{ include "sluice.toml.value" (get $item $each) }}
{{- end }}
{{- end }}
{{- end }}
{{- end }}
{{- end }}
{{- end -}}

{{- define "sluice.toml.isTables" -}}
{{- if kindIs "slice" . }}{{ if . }}{{ if kindIs "map" (first .) }}yes{{ end }}{{ end }}{{ end -}}
{{- end -}}

{{/* The configuration file. */}}
{{- define "sluice.toml" -}}
{{- if .Values.configToml -}}
{{ .Values.configToml }}
{{- else -}}
{{- $config := deepCopy .Values.config -}}
{{- $listen := list -}}
{{- range .Values.listeners -}}
{{- $one := merge (dict "name" .name "url" (printf "%s://%s:%d%s" .scheme $.Values.bindAddress (int64 .port) (default "" .path))) (default dict .settings) -}}
{{- with .tls }}{{ if .secretName -}}
{{- $folder := printf "/etc/sluice-tls/%s" $one.name -}}
{{- $tls := dict "certificate" (printf "%s/tls.crt" $folder) "key" (printf "%s/tls.key" $folder) -}}
{{- if .clientCa }}{{ $_ := set $tls "client_ca" (printf "%s/ca.crt" $folder) }}{{ end -}}
{{- $_ := set $one "tls" $tls -}}
{{- end }}{{ end -}}
{{- $listen = append $listen $one -}}
{{- end -}}
{{- $_ := set $config "listen" $listen -}}
{{- $http := merge (dict "address" (printf "%s:%d" .Values.bindAddress (int64 .Values.http.port))) (default dict $config.http) -}}
{{- if .Values.http.tlsSecretName -}}
{{- $_ := set $http "tls" (dict "certificate" "/etc/sluice-tls-http/tls.crt" "key" "/etc/sluice-tls-http/tls.key") -}}
{{- end -}}
{{- $_ := set $config "http" $http -}}
{{- $_ := set $config "ledger" (merge (default dict $config.ledger) (dict "url" "sqlite:////var/lib/sluice/sluice.db")) -}}
# Made by the chart {{ .Chart.Name }} {{ .Chart.Version }}; secrets come from the environment.
{{- include "sluice.toml.table" (dict "path" "" "table" $config) }}
{{- end -}}
{{- end -}}
