// Every path of the program besides the API's own: health, reload, metrics, and what stands at the root.
import { ProfilePages } from "@narthex/profiling";
import { serveApi } from "../api/v2/api.ts";
import type { ApiContext } from "../api/v2/api-context.ts";
import type { Exchange } from "./exchange.ts";
import { addPageFiles } from "./page-files.ts";
import type { WebMetrics } from "./web-metrics.ts";
import type { WebServer } from "./web-server.ts";

export interface PageOptions {
  readonly context: ApiContext;
  readonly webMetrics: WebMetrics;
  /** Folder of the built page; without one the root names the API's paths. */
  readonly assets: string | undefined;
  /** Throws when the configuration cannot be used. */
  readonly reload: () => void;
  readonly scrape: (
    accept: string | undefined,
  ) => Promise<{ readonly contentType: string; readonly body: string | Uint8Array }>;
}

const V1_GONE =
  '{"status":"deprecated","error":"The Alertmanager v1 API was deprecated in version 0.16.0 and is removed as of version 0.27.0 - please use the equivalent route in the v2 API"}\n';
const READ = ["GET", "HEAD"];

export function addPages(web: WebServer, options: PageOptions): void {
  const { context, webMetrics, reload, scrape } = options;
  for (const name of ["healthy", "ready"])
    web.add({
      methods: READ,
      path: `/-/${name}`,
      serve: (exchange) => (exchange.method === "HEAD" ? exchange.empty(200) : exchange.text(200, "OK")),
    });
  web.add({
    methods: ["POST"],
    path: "/-/reload",
    serve(exchange) {
      try {
        reload();
        exchange.empty(200);
      } catch (error) {
        exchange.refuse(500, `failed to reload config: ${(error as Error).message}`);
      }
    },
  });
  web.add({
    methods: ["GET"],
    path: "/metrics",
    async serve(exchange) {
      const { contentType, body } = await scrape(exchange.header("accept"));
      exchange.send(200, contentType, body);
    },
  });
  const profiles = new ProfilePages();
  web.add({
    methods: ["GET"],
    path: "/debug/pprof/",
    takesAllBelow: true,
    async serve(exchange, name) {
      const gone = new AbortController();
      exchange.response.once("close", () => gone.abort());
      const { status, contentType, body, fileName } = await profiles.answer(name, exchange.query, gone.signal);
      if (fileName !== undefined)
        exchange.response.setHeader("Content-Disposition", `attachment; filename="${fileName}"`);
      exchange.send(status, contentType, body);
    },
  });
  web.add({
    methods: ["*"],
    path: "/api/v1/",
    takesAllBelow: true,
    isApi: true,
    serve: (exchange) => exchange.json(410, V1_GONE),
  });
  web.add({
    methods: ["*"],
    path: "/api/v2/",
    takesAllBelow: true,
    isApi: true,
    async serve(exchange, rest) {
      const started = performance.now();
      const name = await serveApi(exchange, `/${rest}`, context);
      const seconds = (performance.now() - started) / 1000;
      webMetrics.answered(`/api/v2${name}`, exchange.method, exchange.response.statusCode, seconds, undefined);
    },
  });
  if (!addPageFiles(web, options.assets))
    web.add({ methods: READ, path: "/", serve: (exchange) => showRoot(exchange) });
}

function showRoot(exchange: Exchange): void {
  const links = ["api/v2/status", "api/v2/alerts/groups", "api/v2/silences", "api/v2/narthex/notifications", "metrics"];
  const items = links.map((link) => `<li><a href="${link}">${link}</a></li>`).join("");
  exchange.send(
    200,
    "text/html; charset=utf-8",
    `<!doctype html><html lang="en"><meta charset="utf-8"><title>Alertmanager</title><h1>Alertmanager</h1><ul>${items}</ul></html>\n`,
  );
}
