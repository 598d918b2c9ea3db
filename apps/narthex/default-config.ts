// The configuration of `narthex start`: the programs watch themselves.

/** Where the programs of `narthex start` are found. */
export interface DefaultPlaces {
  /** The server, as `host:port`. */
  readonly server: string;
  /** What all paths of the server begin with: "" or `/prefix`. */
  readonly prefix: string;
  /** The Alertmanager, as `host:port`; undefined where none is started. */
  readonly alertmanager: string | undefined;
  /** Path of the file with the built-in rules; undefined for none. */
  readonly rules: string | undefined;
}

/** The text of a configuration that scrapes the programs at these places and sends alerts. Its intervals suit a first look. */
export function defaultConfig({ server, prefix, alertmanager, rules }: DefaultPlaces): string {
  const alerting = `alerting:
  alertmanagers:
  - static_configs:
    - targets: ["${alertmanager}"]
`;
  const alertmanagerJob = `- job_name: alertmanager
  static_configs:
  - targets: ["${alertmanager}"]
`;
  const has = alertmanager !== undefined;
  return `# The default configuration of "narthex start". To use your own: narthex start --config.file=prometheus.yml
global:
  scrape_interval: 5s
  evaluation_interval: 5s
${rules === undefined ? "" : `rule_files:\n- ${JSON.stringify(rules)}\n`}${has ? alerting : ""}scrape_configs:
- job_name: narthex
${prefix === "" ? "" : `  metrics_path: ${JSON.stringify(`${prefix}/metrics`)}\n`}  static_configs:
  - targets: ["${server}"]
${has ? alertmanagerJob : ""}`;
}
