{{- define "verbund.name" -}}
{{- if contains "verbund" .Release.Name }}{{ .Release.Name | trunc 50 | trimSuffix "-" }}{{ else }}{{ printf "%s-verbund" (.Release.Name | trunc 42) }}{{ end }}
{{- end }}

{{- define "verbund.labels" -}}
helm.sh/chart: {{ .Chart.Name }}-{{ .Chart.Version }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
verbund/city: {{ .Values.city.id }}
{{ include "verbund.selector" . }}
{{- end }}

{{- define "verbund.selector" -}}
app.kubernetes.io/name: verbund
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end }}

{{- define "verbund.image" -}}
{{- $image := .Values.image -}}
{{- if $image.digest }}{{ $image.repository }}@{{ $image.digest }}{{ else }}{{ $image.repository }}:{{ $image.tag | default .Chart.AppVersion }}{{ end }}
{{- end }}

{{- define "verbund.host" -}}
{{- .Values.expose.host | default (urlParse .Values.city.issuer).host -}}
{{- end }}

{{- /* The port of a URL, or the one that its scheme stands for. */ -}}
{{- define "verbund.port" -}}
{{- regexFind ":[0-9]+$" (urlParse .).host | trimPrefix ":" | default (get (dict "https" "443" "http" "80" "mqtts" "8883" "mqtt" "1883") (urlParse .).scheme) }}
{{- end }}

{{- /* NetworkPolicy peers, of which there must be some: an empty list would let out to everywhere. */ -}}
{{- define "verbund.peers" -}}
{{- if not (index . 0) }}{{ fail (index . 1) }}{{ end }}
{{- toYaml (index . 0) }}
{{- end }}

{{- /* A value in TOML: JSON's strings and booleans are TOML's, but its numbers would become floats. */ -}}
{{- define "verbund.toml" -}}
{{- if kindIs "float64" . }}{{ if eq (floor .) . }}{{ int64 . }}{{ else }}{{ . }}{{ end }}{{ else }}{{ toJson . }}{{ end }}
{{- end }}

{{- define "verbund.settings" -}}
city = {{ toJson .Values.city.id }}
name = {{ toJson .Values.city.name }}
issuer = {{ toJson .Values.city.issuer }}
{{- with .Values.city.ags }}
ags = {{ toJson . }}
{{- end }}
host = "0.0.0.0"
port = 8080
keys_directory = "/run/verbund/keys"
{{- if .Values.keys.passphraseSecret }}
key_passphrase_file = "/run/verbund/passphrase/passphrase"
{{- end }}
metrics_host = "0.0.0.0"
metrics_port = {{ int .Values.telemetry.metricsPort }}
{{- with .Values.telemetry.otlpEndpoint }}
otlp_endpoint = {{ toJson . }}
{{- end }}
{{- if .Values.authorities.existingConfigMap }}
ca_file = "/run/verbund/authorities/ca.pem"
{{- end }}
{{- with .Values.mqtt.url }}
mqtt_url = {{ toJson . }}
{{- end }}
{{- with .Values.mqtt.topic }}
mqtt_topic = {{ toJson . }}
{{- end }}
{{- if .Values.mqtt.passwordSecret }}
mqtt_password_file = "/run/verbund/mqtt/password"
{{- end }}
{{- range $name, $value := .Values.settings }}
{{- if not (kindIs "map" $value) }}
{{ $name }} = {{ include "verbund.toml" $value }}
{{- end }}
{{- end }}
{{- range $table, $values := .Values.settings }}
{{- if kindIs "map" $values }}

[{{ $table }}]
{{- range $name, $value := $values }}
{{ $name }} = {{ include "verbund.toml" $value }}
{{- end }}
{{- end }}
{{- end }}
{{- end }}

{{- define "verbund.podSecurity" -}}
runAsNonRoot: true
runAsUser: 10001
runAsGroup: 10001
fsGroup: 10001
seccompProfile:
  type: RuntimeDefault
{{- end }}

{{- define "verbund.containerSecurity" -}}
allowPrivilegeEscalation: false
readOnlyRootFilesystem: true
capabilities:
  drop: [ALL]
{{- end }}

{{- define "verbund.databaseEnv" -}}
{{- if .Values.demoDatabase.enabled }}
- name: DEMO_PASSWORD
  valueFrom:
    secretKeyRef:
      name: {{ .Values.demoDatabase.existingSecret }}
      key: password
- name: VERBUND_DATABASE_URL
  value: postgresql://verbund:$(DEMO_PASSWORD)@{{ include "verbund.name" . }}-demo-database:5432/verbund
{{- else }}
- name: VERBUND_DATABASE_URL
  valueFrom:
    secretKeyRef:
      name: {{ .Values.database.existingSecret }}
      key: url
{{- end }}
{{- end }}

{{- define "verbund.migrateSpec" -}}
backoffLimit: 3
activeDeadlineSeconds: 3600
ttlSecondsAfterFinished: 86400
template:
  metadata:
    labels:
      {{- include "verbund.labels" . | nindent 6 }}
      app.kubernetes.io/component: migrate
  spec:
    restartPolicy: Never
    automountServiceAccountToken: false
    enableServiceLinks: false
    securityContext:
      {{- include "verbund.podSecurity" . | nindent 6 }}
    {{- with .Values.image.pullSecrets }}
    imagePullSecrets:
      {{- toYaml . | nindent 6 }}
    {{- end }}
    {{- if .Values.demoDatabase.enabled }}
    initContainers:
      - name: wait
        image: {{ .Values.demoDatabase.image }}
        command: [sh, -c, "until pg_isready --quiet --host {{ include "verbund.name" . }}-demo-database; do sleep 1; done"]
        securityContext:
          {{- include "verbund.containerSecurity" . | nindent 10 }}
        resources:
          requests: {cpu: 10m, memory: 16Mi}
          limits: {memory: 64Mi}
    {{- end }}
    containers:
      - name: migrate
        image: {{ include "verbund.image" . }}
        imagePullPolicy: {{ .Values.image.pullPolicy }}
        args: [migrate]
        env:
          {{- include "verbund.databaseEnv" . | trim | nindent 10 }}
        securityContext:
          {{- include "verbund.containerSecurity" . | nindent 10 }}
        resources:
          {{- toYaml .Values.resources | nindent 10 }}
        volumeMounts:
          - {name: home, mountPath: /var/lib/verbund}
          - {name: settings, mountPath: /var/lib/verbund/verbund.toml, subPath: verbund.toml, readOnly: true}
          - {name: tmp, mountPath: /tmp}
    volumes:
      - name: home
        emptyDir: {sizeLimit: 64Mi}
      - name: tmp
        emptyDir: {sizeLimit: 64Mi}
      - name: settings
        configMap:
          name: {{ include "verbund.name" . }}{{ if not .Values.demoDatabase.enabled }}-migrate{{ end }}
{{- end }}

{{- /* What the node's container and the one that waits for its database have in common. */ -}}
{{- define "verbund.nodeContainer" -}}
env:
  {{- include "verbund.databaseEnv" . | trim | nindent 2 }}
securityContext:
  {{- include "verbund.containerSecurity" . | nindent 2 }}
resources:
  {{- toYaml .Values.resources | nindent 2 }}
volumeMounts:
  - {name: home, mountPath: /var/lib/verbund}
  - {name: settings, mountPath: /var/lib/verbund/verbund.toml, subPath: verbund.toml, readOnly: true}
  - {name: policies, mountPath: /var/lib/verbund/policies, readOnly: true}
  - {name: anchors, mountPath: /var/lib/verbund/anchors, readOnly: true}
  - {name: keys, mountPath: /run/verbund/keys, readOnly: true}
  {{- if .Values.keys.passphraseSecret }}
  - {name: passphrase, mountPath: /run/verbund/passphrase, readOnly: true}
  {{- end }}
  {{- if .Values.mqtt.passwordSecret }}
  - {name: mqtt, mountPath: /run/verbund/mqtt, readOnly: true}
  {{- end }}
  {{- if .Values.authorities.existingConfigMap }}
  - {name: authorities, mountPath: /run/verbund/authorities, readOnly: true}
  {{- end }}
  {{- if .Values.documents }}
  - {name: documents, mountPath: /var/lib/verbund/documents, readOnly: true}
  {{- end }}
  - {name: tmp, mountPath: /tmp}
{{- end }}
