// Health, readiness, reload and stop.
import type { Call } from "./call.ts";
import type { WebServer } from "./web-server.ts";

export interface Lifecycle {
  /** What the program calls itself. */
  readonly name: string;
  /** Whether `--web.enable-lifecycle` is set. */
  readonly enabled: boolean;
  /** Resolves once the new configuration is in force; rejects with the reason why it is not. */
  reload(): Promise<void>;
  /** Begins to stop; returns false when that was under way already. */
  quit(): boolean;
}

const CHANGES = ["POST", "PUT"];
const READS = ["GET", "HEAD"];

/** Adds `/-/healthy`, `/-/ready`, `/-/reload` and `/-/quit`. */
export function addLifecycleRoutes(web: WebServer, lifecycle: Lifecycle): void {
  const always = { needsReady: false };
  web.route("/-/healthy", READS, (call) => tell(call, `${lifecycle.name} is Healthy.\n`), always);
  web.route("/-/ready", READS, (call) => tell(call, `${lifecycle.name} is Ready.\n`));
  for (const path of ["/-/reload", "/-/quit"])
    web.route(path, ["GET"], (call) => call.text(405, "Only POST or PUT requests allowed"), always);
  web.route("/-/reload", CHANGES, (call) => guarded(call, lifecycle, () => reload(call, lifecycle)), always);
  web.route("/-/quit", CHANGES, (call) => guarded(call, lifecycle, () => quit(call, lifecycle)), always);
}

function tell(call: Call, text: string): void {
  if (call.request.method === "HEAD") call.bare(200);
  else call.text(200, text);
}

function guarded(call: Call, { enabled }: Lifecycle, handle: () => void | Promise<void>): void | Promise<void> {
  if (enabled) return handle();
  call.text(403, "Lifecycle API is not enabled.");
}

async function reload(call: Call, lifecycle: Lifecycle): Promise<void> {
  try {
    await lifecycle.reload();
    call.bare(200);
  } catch (error) {
    call.refuse(500, `failed to reload config: ${(error as Error).message}`);
  }
}

function quit(call: Call, lifecycle: Lifecycle): void {
  call.text(200, lifecycle.quit() ? "Requesting termination... Goodbye!" : "Termination already in progress.");
}
