{{- define "sportello.name" -}}{{ .Release.Name | trunc 40 | trimSuffix "-" }}{{- end }}

{{- define "sportello.selector" -}}
app.kubernetes.io/name: sportello
app.kubernetes.io/instance: {{ .root.Release.Name }}
app.kubernetes.io/component: {{ .component }}
{{- end }}

{{- define "sportello.labels" -}}
{{ include "sportello.selector" . }}
app.kubernetes.io/version: {{ .root.Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .root.Release.Service }}
helm.sh/chart: {{ .root.Chart.Name }}-{{ .root.Chart.Version }}
{{- end }}

{{- define "sportello.image" -}}
{{ .Values.image.repository }}:{{ .Values.image.tag | default .Chart.AppVersion }}
{{- end }}

{{- define "sportello.account" -}}
{{ .Values.serviceAccount.name | default (include "sportello.name" .) }}
{{- end }}

{{- define "sportello.grace" -}}
{{ add .Values.drainDelaySeconds .Values.stopTimeoutSeconds 10 }}
{{- end }}

{{/* What every process is told. owner is true where the owner's credential belongs. */}}
{{- define "sportello.env" -}}
{{- $v := .root.Values -}}
- {name: SPORTELLO_ADDR, value: "0.0.0.0:8080"}
- {name: SPORTELLO_OPS_ADDR, value: "0.0.0.0:9100"}
- {name: SPORTELLO_BASE_DOMAIN, value: {{ required "baseDomain must be given" $v.baseDomain | quote }}}
- {name: SPORTELLO_PUBLIC_SCHEME, value: https}
- {name: SPORTELLO_DATA, value: /data}
- {name: SPORTELLO_TRUSTED_PROXIES, value: {{ join "," $v.trustedProxies | quote }}}
- {name: SPORTELLO_DRAIN_DELAY, value: "{{ $v.drainDelaySeconds }}s"}
- {name: SPORTELLO_STOP_TIMEOUT, value: "{{ $v.stopTimeoutSeconds }}s"}
- {name: SPORTELLO_LOG_FORMAT, value: json}
- {name: SPORTELLO_AUDIT_ANCHOR_DIR, value: /anchors}
- {name: SPORTELLO_DATABASE_URL_FILE, value: /run/secrets/runtime/database-url}
- {name: SPORTELLO_REDIS_URL_FILE, value: /run/secrets/runtime/redis-url}
- {name: SPORTELLO_MASTER_KEY_FILE, value: /run/secrets/runtime/master-key}
{{- if $v.secrets.masterKeyPrevious }}
- {name: SPORTELLO_MASTER_KEY_PREVIOUS_FILE, value: /run/secrets/runtime/master-key-previous}
{{- end }}
{{- if $v.secrets.kmsToken }}
- {name: SPORTELLO_KMS_TOKEN_FILE, value: /run/secrets/runtime/kms-token}
{{- end }}
- {name: SPORTELLO_SMTP_ADDR, value: {{ required "mail.smtpAddr must be given" $v.mail.smtpAddr | quote }}}
- {name: SPORTELLO_SMTP_TLS, value: {{ $v.mail.tls }}}
{{- with $v.mail.username }}
- {name: SPORTELLO_SMTP_USERNAME, value: {{ . | quote }}}
{{- end }}
{{- if $v.secrets.smtpPassword }}
- {name: SPORTELLO_SMTP_PASSWORD_FILE, value: /run/secrets/runtime/smtp-password}
{{- end }}
{{- with $v.mail.sender }}
- {name: SPORTELLO_MAIL_SENDER, value: {{ . | quote }}}
{{- end }}
{{- with $v.clamdAddr }}
- {name: SPORTELLO_CLAMD_ADDR, value: {{ . | quote }}}
{{- end }}
{{- with $v.egressAllow }}
- {name: SPORTELLO_EGRESS_ALLOW, value: {{ join "," . | quote }}}
{{- end }}
{{- with $v.clusters }}
{{- range . }}
- name: CLUSTER_{{ upper . }}
  valueFrom: {secretKeyRef: {name: {{ $v.secrets.runtime }}, key: cluster-{{ . }}}}
{{- end }}
- name: SPORTELLO_DATABASE_CLUSTERS
  value: "{{ range $i, $c := . }}{{ if $i }} {{ end }}{{ $c }}=$(CLUSTER_{{ upper $c }}){{ end }}"
{{- end }}
{{- if .owner }}
- {name: SPORTELLO_OWNER_DATABASE_URL_FILE, value: /run/secrets/owner/owner-database-url}
{{- with $v.clusters }}
{{- range . }}
- name: OWNER_CLUSTER_{{ upper . }}
  valueFrom: {secretKeyRef: {name: {{ $v.secrets.owner }}, key: owner-cluster-{{ . }}}}
{{- end }}
- name: SPORTELLO_OWNER_DATABASE_CLUSTERS
  value: "{{ range $i, $c := . }}{{ if $i }} {{ end }}{{ $c }}=$(OWNER_CLUSTER_{{ upper $c }}){{ end }}"
{{- end }}
{{- end }}
{{- range $name, $value := $v.settings }}
- {name: {{ $name }}, value: {{ $value | quote }}}
{{- end }}
{{- end }}

{{- define "sportello.mounts" -}}
- {name: runtime, mountPath: /run/secrets/runtime, readOnly: true}
{{- if .owner }}
- {name: owner, mountPath: /run/secrets/owner, readOnly: true}
{{- end }}
- {name: tmp, mountPath: /tmp}
{{- if .files }}
- {name: files, mountPath: /data}
{{- end }}
{{- if .anchors }}
- {name: anchors, mountPath: /anchors}
{{- end }}
{{- if .backups }}
- {name: backups, mountPath: /data/backups}
{{- end }}
{{- end }}

{{- define "sportello.volumes" -}}
{{- $v := .root.Values -}}
{{- $name := include "sportello.name" .root -}}
- name: runtime
  secret: {secretName: {{ $v.secrets.runtime }}, defaultMode: 0440}
{{- if .owner }}
- name: owner
  secret: {secretName: {{ $v.secrets.owner }}, defaultMode: 0440}
{{- end }}
- name: tmp
  emptyDir: {sizeLimit: 1Gi}
{{- if .files }}
- name: files
  persistentVolumeClaim: {claimName: {{ $v.files.existingClaim | default (printf "%s-files" $name) }}}
{{- end }}
{{- if .anchors }}
- name: anchors
  persistentVolumeClaim: {claimName: {{ $v.anchors.existingClaim | default (printf "%s-anchors" $name) }}}
{{- end }}
{{- if .backups }}
- name: backups
  persistentVolumeClaim: {claimName: {{ $v.backups.existingClaim | default (printf "%s-backups" $name) }}}
{{- end }}
{{- end }}

{{- define "sportello.pod" -}}
{{- $v := .root.Values -}}
serviceAccountName: {{ .account | default (include "sportello.account" .root) }}
automountServiceAccountToken: false
enableServiceLinks: false
{{- with $v.imagePullSecrets }}
imagePullSecrets: {{ toYaml . | nindent 2 }}
{{- end }}
{{- with $v.nodeSelector }}
nodeSelector: {{ toYaml . | nindent 2 }}
{{- end }}
{{- with $v.tolerations }}
tolerations: {{ toYaml . | nindent 2 }}
{{- end }}
securityContext:
  runAsNonRoot: true
  runAsUser: {{ $v.podSecurity.uid }}
  runAsGroup: {{ $v.podSecurity.gid }}
  fsGroup: {{ $v.podSecurity.gid }}
  fsGroupChangePolicy: OnRootMismatch
  seccompProfile: {type: RuntimeDefault}
volumes: {{ include "sportello.volumes" . | nindent 2 }}
{{- end }}

{{- define "sportello.secured" -}}
securityContext:
  allowPrivilegeEscalation: false
  readOnlyRootFilesystem: true
  capabilities: {drop: [ALL]}
{{- end }}

{{- define "sportello.probes" -}}
startupProbe:
  httpGet: {path: /healthz, port: ops}
  periodSeconds: 2
  failureThreshold: 60
livenessProbe:
  httpGet: {path: /healthz, port: ops}
  periodSeconds: 10
  timeoutSeconds: 5
  failureThreshold: 6
readinessProbe:
  httpGet: {path: /readyz, port: ops}
  periodSeconds: 5
  timeoutSeconds: 4
  failureThreshold: 2
{{- end }}
