// Files of the operator's own, below `/user/`: a folder that they named, and nothing outside of it.
import { createReadStream, realpathSync, statSync } from "node:fs";
import { extname, join, sep } from "node:path";
import type { Call } from "./call.ts";
import type { WebServer } from "./web-server.ts";

const TYPES: Readonly<Record<string, string>> = {
  ".html": "text/html; charset=utf-8",
  ".js": "text/javascript; charset=utf-8",
  ".css": "text/css; charset=utf-8",
  ".svg": "image/svg+xml",
  ".png": "image/png",
  ".jpg": "image/jpeg",
  ".ico": "image/x-icon",
  ".json": "application/json",
  ".txt": "text/plain; charset=utf-8",
};

/** Adds `/user/*` for `folder`; "" adds nothing. */
export function addUserAssets(web: WebServer, folder: string): void {
  if (folder === "") return;
  web.route("/user/*", ["GET", "HEAD"], (call) => serveFile(call, folder), { needsReady: false });
}

function serveFile(call: Call, folder: string): void {
  const file = fileBelow(folder, call.pathParams["*"] ?? "");
  if (file === undefined) {
    call.refuse(404, "404 page not found");
    return;
  }
  const { response } = call;
  response.setHeader("Content-Type", TYPES[extname(file.path).toLowerCase()] ?? "application/octet-stream");
  response.setHeader("Content-Length", file.bytes);
  response.setHeader("Last-Modified", new Date(file.modifiedMs).toUTCString());
  response.setHeader("X-Content-Type-Options", "nosniff");
  if (call.request.method === "HEAD") {
    response.end();
    return;
  }
  const stream = createReadStream(file.path, file.bytes > 0 ? { end: file.bytes - 1 } : {});
  // The status has gone out: a file that cannot be read any more ends the connection.
  stream.on("error", () => response.destroy());
  response.on("close", () => stream.destroy());
  stream.pipe(response);
}

/** The regular file at `path` below `folder`, with links resolved on both sides before they are compared. */
export function fileBelow(
  folder: string,
  path: string,
): { readonly path: string; readonly bytes: number; readonly modifiedMs: number } | undefined {
  if (path.includes("\0")) return undefined;
  try {
    const root = realpathSync(folder);
    const real = realpathSync(join(root, path));
    if (!real.startsWith(root.endsWith(sep) ? root : root + sep)) return undefined;
    const stats = statSync(real);
    return stats.isFile() ? { path: real, bytes: stats.size, modifiedMs: stats.mtimeMs } : undefined;
  } catch {
    return undefined;
  }
}
