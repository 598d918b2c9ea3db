// The configuration of `narthex start`: the server watches itself.

/**
 * The text of a configuration that scrapes the server at `address` (`host:port`), whose paths begin with `prefix` ("" or
 * `/prefix`), its labels and intervals explained.
 */
export function defaultConfig(address: string, prefix: string): string {
  return `# The default configuration of "narthex start". To use your own: narthex start --config.file=prometheus.yml
global:
  scrape_interval: 5s
  evaluation_interval: 5s
scrape_configs:
- job_name: narthex
${prefix === "" ? "" : `  metrics_path: ${JSON.stringify(`${prefix}/metrics`)}\n`}  static_configs:
  - targets: ["${address}"]
`;
}
