/** What stands below an empty expression: how the server is doing, and queries to start from. */
import type { JSX } from "preact";
import { useEffect, useState } from "preact/hooks";
import type { TargetsData } from "../api/answers.ts";
import { useAnswer } from "../api/use-answer.ts";
import { groupDigits } from "../format/number.ts";
import { href } from "../shell/router.ts";
import { metricNames } from "./metric-list.ts";

/** Queries worth a look, each for the metrics it needs. */
const EXAMPLES: readonly { needs: string; expr: string; tab: "table" | "graph"; text: string }[] = [
  { needs: "up", expr: "up", tab: "table", text: "Which targets answer" },
  {
    needs: "node_cpu_seconds_total",
    expr: 'sum by (mode) (rate(node_cpu_seconds_total{mode!="idle"}[1m]))',
    tab: "graph",
    text: "What the processors are doing",
  },
  {
    needs: "node_memory_MemAvailable_bytes",
    expr: "1 - node_memory_MemAvailable_bytes / node_memory_MemTotal_bytes",
    tab: "graph",
    text: "Share of memory in use",
  },
  {
    needs: "prometheus_http_requests_total",
    expr: "sum by (handler) (rate(prometheus_http_requests_total[5m]))",
    tab: "graph",
    text: "Requests to this server",
  },
  {
    needs: "process_resident_memory_bytes",
    expr: "process_resident_memory_bytes",
    tab: "graph",
    text: "Memory of each process",
  },
  {
    needs: "prometheus_tsdb_head_series",
    expr: "prometheus_tsdb_head_series",
    tab: "graph",
    text: "Series in memory",
  },
  {
    needs: "scrape_duration_seconds",
    expr: "topk(10, scrape_duration_seconds)",
    tab: "graph",
    text: "The slowest targets",
  },
];

const FIRST_CONFIG = `scrape_configs:
  - job_name: node
    static_configs:
      - targets: ['localhost:9100']`;

/** The welcome. */
export function Welcome({ onQuery }: { onQuery: (expr: string, tab: "table" | "graph") => void }): JSX.Element | null {
  const targets = useAnswer<TargetsData>("targets", { state: "active" }, 5000);
  const [names, setNames] = useState<readonly string[]>([]);
  const active = targets.answer?.data.activeTargets ?? [];
  useEffect(() => {
    metricNames().then(setNames, () => undefined);
  }, [active.length]);
  if (!targets.answer) return null;
  const up = active.filter(({ health }) => health === "up").length;
  const known = new Set(names);
  const examples = EXAMPLES.filter(({ needs }) => known.has(needs));
  if (active.length === 0) {
    return (
      <section class="welcome">
        <h2>Nothing scraped yet</h2>
        <p>
          This server has no targets. Add a job to its configuration file and reload it (<code>SIGHUP</code>, or{" "}
          <code>POST /-/reload</code> where that is switched on):
        </p>
        <pre>{FIRST_CONFIG}</pre>
        <p>
          Then look at{" "}
          <a href={href("targets")} data-route="">
            Targets
          </a>
          : each shows when it was scraped last and what went wrong. What the server reads now stands under{" "}
          <a href={href("config")} data-route="">
            Configuration
          </a>
          .
        </p>
      </section>
    );
  }
  return (
    <section class="welcome">
      <p>
        <a href={href("targets", up < active.length ? "health=down" : "")} data-route="">
          {up === active.length ? `All ${groupDigits(up)}` : `${groupDigits(up)} of ${groupDigits(active.length)}`}{" "}
          targets answer
        </a>
        {names.length > 0 && `, ${groupDigits(names.length)} metrics are known`}.
        {names.length === 0 && ", the first samples are on their way."}
      </p>
      {examples.length > 0 && (
        <>
          <h2>To start from</h2>
          <ul class="examples">
            {examples.map(({ expr, tab, text }) => (
              <li key={expr}>
                <button type="button" onClick={() => onQuery(expr, tab)}>
                  <span>{text}</span>
                  <code>{expr}</code>
                </button>
              </li>
            ))}
          </ul>
        </>
      )}
    </section>
  );
}
