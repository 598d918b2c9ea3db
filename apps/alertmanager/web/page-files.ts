// The page: one document at the root and its files, listed once, so that no path from outside reaches the file system.
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { PageFile } from "@narthex/toolkit";
import type { Exchange } from "./exchange.ts";
import type { WebServer } from "./web-server.ts";

const READ = ["GET", "HEAD"];
const DOCUMENT = "alertmanager.html";

/** Nothing but this server's own files; no inline script or style, no frame around it. */
const CONTENT_SECURITY_POLICY =
  "default-src 'self'; base-uri 'self'; object-src 'none'; frame-ancestors 'none'; form-action 'self'";

/** `folder` is the page's build. Returns false, and adds nothing, when there is none with this page in it. */
export function addPageFiles(web: WebServer, folder: string | undefined): boolean {
  if (folder === undefined || !existsSync(join(folder, DOCUMENT))) return false;
  const document = readFileSync(join(folder, DOCUMENT));
  web.add({ methods: READ, path: "/", serve: (exchange) => sendDocument(exchange, document) });
  for (const name of readdirSync(join(folder, "assets"))) {
    const file = new PageFile(join(folder, "assets", name));
    web.add({
      methods: READ,
      path: `/assets/${name}`,
      handlerName: "/assets",
      serve(exchange) {
        // Names carry a hash of the content.
        exchange.setHeader("Cache-Control", "public, max-age=31536000, immutable");
        exchange.setHeader("X-Content-Type-Options", "nosniff");
        exchange.send(200, file.type, file.bytes());
      },
    });
  }
  return true;
}

function sendDocument(exchange: Exchange, document: Buffer): void {
  const { path } = exchange;
  if (!path.endsWith("/")) {
    // Its files and the API are meant from here; the same for whoever stands behind a proxy that takes a prefix away.
    exchange.redirect(302, `./${path.slice(path.lastIndexOf("/") + 1)}/`, "Found");
    return;
  }
  exchange.setHeader("Cache-Control", "no-cache");
  exchange.setHeader("Content-Security-Policy", CONTENT_SECURITY_POLICY);
  exchange.setHeader("X-Content-Type-Options", "nosniff");
  exchange.send(200, "text/html; charset=utf-8", document);
}
