// The templates that every configuration can name. Names and what they print are the reference's; most of them are one of a few
// bodies under a receiver's name.
import { EMAIL_HTML } from "./email-template.ts";

type Kind = "Firing" | "Resolved";

const ANNOTATIONS = '{{ .CommonAnnotations.SortedPairs.Values | join " " }}';

function pairs(field: string, lead: string): string {
  return `{{ range .${field}.SortedPairs }}${lead} - {{ .Name }} = {{ .Value }}\n{{ end }}`;
}

/** The alerts of one kind under a heading, if there are any. */
function section(kind: Kind, { mark = "", list = "__text_alert_list", isLoose = true } = {}): string {
  const edge = isLoose ? "\n" : "";
  const body = `${edge}${mark}Alerts ${kind}:\n{{ template "${list}" .Alerts.${kind} }}${edge}`;
  return `{{ if .Alerts.${kind} }}${body}{{ end }}`;
}

const TIGHT = `${ANNOTATIONS}\n${section("Firing", { isLoose: false })}\n${section("Resolved", { isLoose: false })}`;
const SECTIONS = `${section("Firing")}\n${section("Resolved")}\n`;
const MARKDOWN = { mark: "# ", list: "__text_alert_list_markdown" };
const MARKDOWN_SECTIONS = `\n${section("Firing", MARKDOWN)}\n${section("Resolved", MARKDOWN)}\n`;

const SUBJECT = '{{ template "__subject" . }}';
const NAME = '{{ template "__alertmanager" . }}';
const LINK = '{{ template "__alertmanagerURL" . }}';
const TRAFFIC_LIGHT = '{{ if eq .Status "firing" }}danger{{ else }}good{{ end }}';

/** The most urgent severity among the firing alerts, or else among the resolved ones, in Jira's words. */
function priority(): string {
  const scan = (kind: Kind): string =>
    `{{ range .Alerts.${kind} }}{{ $severity := index .Labels "severity" }}` +
    '{{ if eq $severity "critical" }}{{ $priority = "High" }}' +
    '{{ else if and (eq $severity "warning") (ne $priority "High") }}{{ $priority = "Medium" }}' +
    '{{ else if and (eq $severity "info") (eq $priority "") }}{{ $priority = "Low" }}{{ end }}{{ end }}';
  return `{{ $priority := "" }}${scan("Firing")}{{ if eq $priority "" }}${scan("Resolved")}{{ end }}{{ $priority }}`;
}

const BODIES: Readonly<Record<string, string>> = {
  __alertmanager: "Alertmanager",
  __alertmanagerURL: "{{ .ExternalURL }}/#/alerts?receiver={{ .Receiver | urlquery }}",
  __subject:
    '[{{ .Status | toUpper }}{{ if eq .Status "firing" }}:{{ .Alerts.Firing | len }}{{ end }}] ' +
    '{{ .GroupLabels.SortedPairs.Values | join " " }} ' +
    "{{ if gt (len .CommonLabels) (len .GroupLabels) }}" +
    '({{ with .CommonLabels.Remove .GroupLabels.Names }}{{ .Values | join " " }}{{ end }}){{ end }}',
  __description: "",
  __text_alert_list: `{{ range . }}Labels:\n${pairs("Labels", "")}Annotations:\n${pairs("Annotations", "")}Source: {{ .GeneratorURL }}\n{{ end }}`,
  __text_alert_list_markdown: `{{ range . }}\nLabels:\n${pairs("Labels", " ")}\nAnnotations:\n${pairs("Annotations", " ")}\nSource: {{ .GeneratorURL }}\n{{ end }}\n`,
  "slack.default.title": SUBJECT,
  "slack.default.username": NAME,
  "slack.default.fallback": '{{ template "slack.default.title" . }} | {{ template "slack.default.titlelink" . }}',
  "slack.default.callbackid": "",
  "slack.default.pretext": "",
  "slack.default.titlelink": LINK,
  "slack.default.iconemoji": "",
  "slack.default.iconurl": "",
  "slack.default.text": "",
  "slack.default.footer": "",
  "slack.default.color": TRAFFIC_LIGHT,
  "pagerduty.default.description": SUBJECT,
  "pagerduty.default.client": NAME,
  "pagerduty.default.clientURL": LINK,
  "pagerduty.default.instances": '{{ template "__text_alert_list" . }}',
  "opsgenie.default.message": SUBJECT,
  "opsgenie.default.description": TIGHT,
  "opsgenie.default.source": LINK,
  "wechat.default.message": `${SUBJECT}\n${TIGHT}\nAlertmanagerUrl:\n${LINK}`,
  "wechat.default.to_user": "",
  "wechat.default.to_party": "",
  "wechat.default.to_tag": "",
  "wechat.default.agent_id": "",
  "victorops.default.state_message": TIGHT,
  "victorops.default.entity_display_name": SUBJECT,
  "victorops.default.monitoring_tool": NAME,
  "pushover.default.title": SUBJECT,
  "pushover.default.message": `${ANNOTATIONS}\n${SECTIONS}`,
  "pushover.default.url": LINK,
  "sns.default.subject": SUBJECT,
  "sns.default.message": `${ANNOTATIONS}\n${SECTIONS}`,
  "telegram.default.message": `\n${SECTIONS}`,
  "discord.default.content": "",
  "discord.default.title": SUBJECT,
  "discord.default.message": `\n${SECTIONS}`,
  "webex.default.message": `${ANNOTATIONS}\n${SECTIONS}`,
  "msteams.default.summary": SUBJECT,
  "msteams.default.title": SUBJECT,
  "msteams.default.text": MARKDOWN_SECTIONS,
  "msteamsv2.default.title": SUBJECT,
  "msteamsv2.default.text": MARKDOWN_SECTIONS,
  "jira.default.summary": SUBJECT,
  "jira.default.description": MARKDOWN_SECTIONS,
  "jira.default.priority": priority(),
  "rocketchat.default.title": SUBJECT,
  "rocketchat.default.alias": NAME,
  "rocketchat.default.titlelink": LINK,
  "rocketchat.default.emoji": "",
  "rocketchat.default.iconurl": "",
  "rocketchat.default.text": "",
  "mattermost.default.color": TRAFFIC_LIGHT,
  "mattermost.default.username": NAME,
  "mattermost.default.title": SUBJECT,
  "mattermost.default.titlelink": LINK,
  "mattermost.default.fallback":
    '{{ template "mattermost.default.title" . }} | {{ template "mattermost.default.titlelink" . }}',
  "mattermost.default.text": MARKDOWN_SECTIONS,
  "email.default.subject": SUBJECT,
  "email.default.html": EMAIL_HTML,
};

/** One text that defines them all. Templates that receivers alias stay overridable: what calls them, calls them by name. */
export const DEFAULT_TEMPLATES: string = Object.entries(BODIES)
  .map(([name, body]) => `{{ define "${name}" }}${body}{{ end }}`)
  .join("\n");
