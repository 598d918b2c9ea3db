// The web page: its files, and its client-side routes.
import { readdirSync } from "node:fs";
import { extname, join } from "node:path";
import { escapeHtml } from "@narthex/template";
import { PageFile } from "@narthex/toolkit";
import type { Call } from "./call.ts";
import type { WebServer } from "./web-server.ts";

/** Paths that the page itself tells apart; all of them answer with its one document. */
const PAGE_ROUTES = [
  "/query",
  "/targets",
  "/service-discovery",
  "/alerts",
  "/rules",
  "/status",
  "/tsdb-status",
  "/flags",
  "/config",
  "/alertmanager-discovery",
];

const AGENT_PAGE = "/agent";

/** Nothing but this server's own files; no inline script or style, no frame around it. */
const CONTENT_SECURITY_POLICY =
  "default-src 'self'; base-uri 'self'; object-src 'none'; frame-ancestors 'none'; form-action 'self'";

export interface PageSettings {
  /** Path of the external URL, without a slash at the end. */
  readonly externalPath: string;
  readonly pageTitle: string;
  /** Address of the operator's own index below the external path; "" for none. */
  readonly consolesLink: string;
  readonly lookbackDeltaMs: number;
  /** An agent's front page is its own. */
  readonly isAgent?: boolean;
}

/**
 * Adds the page below the route prefix. `folder` is the page's build; its files are listed here, once, so that no path
 * from outside ever reaches the file system. Without a folder only a note is served that there is no page.
 */
export function addAssetRoutes(web: WebServer, folder: string | undefined, settings: PageSettings): void {
  const always = { needsReady: false };
  const { externalPath } = settings;
  const home = settings.isAgent === true ? AGENT_PAGE : "/query";
  const assets = folder === undefined ? new Map<string, PageFile>() : openFiles(folder);
  const template = assets.get("index.html")?.bytes().toString("utf8");
  const document = template === undefined ? undefined : fillDocument(template, settings);
  web.route("/", ["GET", "HEAD"], (call) => redirect(call, `${externalPath}${home}`), always);
  web.route(
    "/graph",
    ["GET", "HEAD"],
    (call) => {
      const query = (call.request.url ?? "").split("?")[1];
      redirect(call, `${externalPath}/query?${query ?? ""}`);
    },
    always,
  );
  const pages = settings.isAgent === true ? [AGENT_PAGE, ...PAGE_ROUTES] : PAGE_ROUTES;
  for (const path of pages) web.route(path, ["GET", "HEAD"], (call) => sendDocument(call, document), always);
  for (const [name, asset] of assets) {
    // The document is served by its routes; other programs' documents lie beside it.
    if (extname(name) === ".html") continue;
    web.route(
      `/${name}`,
      ["GET", "HEAD"],
      (call) => {
        call.response.setHeader(
          "Cache-Control",
          name.startsWith("assets/") ? "public, max-age=31536000, immutable" : "no-cache",
        );
        call.send(200, asset.type, asset.bytes());
      },
      always,
    );
  }
}

function openFiles(folder: string, below = ""): Map<string, PageFile> {
  const files = new Map<string, PageFile>();
  for (const entry of readdirSync(join(folder, below), { withFileTypes: true })) {
    const name = below === "" ? entry.name : `${below}/${entry.name}`;
    if (entry.isDirectory()) for (const [inner, file] of openFiles(folder, name)) files.set(inner, file);
    else if (entry.isFile()) files.set(name, new PageFile(join(folder, name)));
  }
  return files;
}

function redirect(call: Call, location: string): void {
  call.response.setHeader("Location", location);
  call.send(
    302,
    "text/html; charset=utf-8",
    `<a href="${location.replaceAll("&", "&amp;").replaceAll('"', "&quot;")}">Found</a>.\n\n`,
  );
}

function sendDocument(call: Call, document: string | undefined): void {
  if (document === undefined) {
    call.text(404, "This build has no web page; the HTTP API answers under /api/v1/.\n");
    return;
  }
  call.response.setHeader("Cache-Control", "no-cache");
  call.response.setHeader("Content-Security-Policy", CONTENT_SECURITY_POLICY);
  call.response.setHeader("X-Content-Type-Options", "nosniff");
  call.send(200, "text/html; charset=utf-8", document);
}

/** Fills the document's placeholders; see the page's README for what each means. */
function fillDocument(
  document: string,
  { externalPath, pageTitle, consolesLink, lookbackDeltaMs, isAgent = false }: PageSettings,
): string {
  const values: Readonly<Record<string, string>> = {
    __PATH_PREFIX__: externalPath,
    __TITLE__: pageTitle,
    __AGENT_MODE__: String(isAgent),
    __CONSOLES_LINK__: consolesLink === "" ? "" : externalPath + consolesLink,
    __LOOKBACK_DELTA_MS__: String(lookbackDeltaMs),
  };
  return document.replace(/__[A-Z_]+__/g, (name) => escapeHtml(values[name] ?? name));
}
