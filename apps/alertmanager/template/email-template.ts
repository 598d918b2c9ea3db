// The default e-mail. Filters and archives of those who come from the reference know it, so it is the same to the byte; for where
// its look comes from see NOTICE. It is put together from the few styles that repeat.

const FONT = "font-family: 'Helvetica Neue', Helvetica, Arial, sans-serif; box-sizing: border-box;";
const BASE = `margin: 0; ${FONT} font-size: 14px;`;

/** ` style="…"` of the base style and `more`. */
function styled(more = ""): string {
  return ` style="${more === "" ? BASE : `${BASE} ${more}`}"`;
}

const WIDE_TABLE = ' width="100%" cellpadding="0" cellspacing="0"';
const BREAK = `<br${styled()}>`;

/** What phones get instead: everything to the edge. */
const PHONE_STYLE = [
  ["body", "padding: 0"],
  ["h1,\nh2,\nh3,\nh4", "font-weight: 800", "margin: 20px 0 5px"],
  ["h1", "font-size: 22px"],
  ["h2", "font-size: 18px"],
  ["h3", "font-size: 16px"],
  [".container", "padding: 0", "width: 100%"],
  [".content", "padding: 0"],
  [".content-wrap", "padding: 10px"],
  [".invoice", "width: 100%"],
]
  .map(([selector, ...rules]) => `  ${selector} {\n${rules.map((rule) => `    ${rule} !important;\n`).join("")}  }\n`)
  .join("\n");

const HEAD = `<!DOCTYPE html PUBLIC "-//W3C//DTD XHTML 1.0 Transitional//EN" "http://www.w3.org/TR/xhtml1/DTD/xhtml1-transitional.dtd">
<html xmlns="http://www.w3.org/1999/xhtml"${styled()}>
<head>
<meta name="viewport" content="width=device-width">
<meta http-equiv="Content-Type" content="text/html; charset=UTF-8">
<title>{{ template "__subject" . }}</title>
<style>
@media only screen and (max-width: 640px) {
${PHONE_STYLE}}
</style>
</head>
`;

/** The coloured bar: how many alerts there are, for which group. */
function banner(name: string, color: string, behindPair: string): string {
  const style = `margin: 0; ${FONT} vertical-align: top; font-size: 16px; color: #fff; font-weight: 500; padding: 20px; text-align: center; border-radius: 3px 3px 0 0; background-color: ${color};`;
  return `            <td class="alert alert-${name}" style="${style}" valign="top" align="center" bgcolor="${color}">
              {{ .Alerts | len }} alert{{ if gt (len .Alerts) 1 }}s{{ end }} for {{ range .GroupLabels.SortedPairs }}
                {{ .Name }}={{ .Value }}${behindPair}
              {{ end }}
            </td>
`;
}

/** One row of the content, its lines indented. */
function row(...lines: readonly string[]): string {
  return `                <tr${styled()}>
                  <td class="content-block"${styled("vertical-align: top; padding: 0 0 20px;")} valign="top">
${lines.map((line) => `                    ${line}\n`).join("")}                  </td>
                </tr>
`;
}

function heading(kind: string): string {
  return row(`<strong${styled()}>[{{ .Alerts.${kind} | len }}] ${kind}</strong>`);
}

const PAIR = `{{ .Name }} = {{ .Value }}${BREAK}`;

/** One alert: labels, annotations, where it comes from. */
const ALERT = row(
  `<strong${styled()}>Labels</strong>${BREAK}`,
  `{{ range .Labels.SortedPairs }}${PAIR}{{ end }}`,
  `{{ if gt (len .Annotations) 0 }}<strong${styled()}>Annotations</strong>${BREAK}{{ end }}`,
  `{{ range .Annotations.SortedPairs }}${PAIR}{{ end }}`,
  `<a href="{{ .GeneratorURL }}"${styled("color: #348eda; text-decoration: underline;")}>Source</a>${BREAK}`,
);

const BUTTON =
  "text-decoration: none; color: #FFF; background-color: #348eda; border: solid #348eda; border-width: 10px 20px; line-height: 2em; font-weight: bold; text-align: center; cursor: pointer; display: inline-block; border-radius: 5px; text-transform: capitalize;";

const CONTENT = `${row(
  `<a href="{{ template "__alertmanagerURL" . }}" class="btn-primary"${styled(BUTTON)}>View in {{ template "__alertmanager" . }}</a>`,
)}                {{ if gt (len .Alerts.Firing) 0 }}
${heading("Firing")}                {{ end }}
                {{ range .Alerts.Firing }}
${ALERT}                {{ end }}

                {{ if gt (len .Alerts.Resolved) 0 }}
                  {{ if gt (len .Alerts.Firing) 0 }}
${row(BREAK, `<hr${styled()}>`, BREAK)}                  {{ end }}
${heading("Resolved")}                {{ end }}
                {{ range .Alerts.Resolved }}
${ALERT}                {{ end }}
`;

const SMALL = `margin: 0; ${FONT}`;
const FOOTER = `        <div class="footer"${styled("width: 100%; clear: both; color: #999; padding: 20px;")}>
          <table width="100%"${styled()}>
            <tr${styled()}>
              <td class="aligncenter content-block" style="${SMALL} vertical-align: top; padding: 0 0 20px; text-align: center; color: #999; font-size: 12px;" valign="top" align="center"><a href="{{ .ExternalURL }}" style="${SMALL} text-decoration: underline; color: #999; font-size: 12px;">Sent by {{ template "__alertmanager" . }}</a></td>
            </tr>
          </table>
        </div></div>
`;

const MARGIN = `<td${styled("vertical-align: top;")} valign="top"></td>`;

const BODY = `<body itemscope itemtype="https://schema.org/EmailMessage"${styled(
  "-webkit-font-smoothing: antialiased; -webkit-text-size-adjust: none; height: 100%; line-height: 1.6em; background-color: #f6f6f6; width: 100%;",
)}>

<table class="body-wrap"${styled("background-color: #f6f6f6; width: 100%;")} width="100%" bgcolor="#f6f6f6">
  <tr${styled()}>
    ${MARGIN}
    <td class="container" width="600" style="${FONT} font-size: 14px; vertical-align: top; display: block; max-width: 600px; margin: 0 auto; clear: both;" valign="top">
      <div class="content" style="${FONT} font-size: 14px; max-width: 600px; margin: 0 auto; display: block; padding: 20px;">
        <table class="main"${WIDE_TABLE}${styled("background-color: #fff; border: 1px solid #e9e9e9; border-radius: 3px;")} bgcolor="#fff">
          <tr${styled()}>
            {{ if gt (len .Alerts.Firing) 0 }}
${banner("warning", "#E6522C", "")}            {{ else }}
${banner("good", "#68B90F", " ")}            {{ end }}
          </tr>
          <tr${styled()}>
            <td class="content-wrap"${styled("vertical-align: top; padding: 30px;")} valign="top">
              <table${WIDE_TABLE}${styled()}>
${CONTENT}              </table>
            </td>
          </tr>
        </table>

${FOOTER}    </td>
    ${MARGIN}
  </tr>
</table>

</body>
</html>

`;

/** The source of `email.default.html`; the blank lines in front are where the reference's licence stands as a comment. */
export const EMAIL_HTML: string = `\n\n${HEAD}\n${BODY}`;
