// Targets that run as machines of Google Compute Engine. Source: Compute Engine API v1, `instances.list`.
import { ApiClient, objectOf, objectsOf, PLAIN_HTTP, textOf } from "@narthex/toolkit";
import { COMPATIBLE_VERSION } from "../../build-info.ts";
import { GoogleTokenSource } from "../../cloud/google-token.ts";
import type { Discoverer, DiscovererContext } from "../discoverer.ts";
import { PageGuard } from "../page-guard.ts";
import { RefreshDiscoverer } from "../refresh-discoverer.ts";
import { instanceTarget } from "./instance-target.ts";

const SCOPE = "https://www.googleapis.com/auth/compute.readonly";

/** What `gce_sd_configs` says. */
export interface GceDiscoveryBody {
  readonly project: string;
  readonly zone: string;
  /** In the API's own syntax; "" for none. */
  readonly filter: string;
  readonly refreshIntervalMs: number;
  readonly port: number;
  readonly tagSeparator: string;
}

/** Where Google is. */
export interface GceSurroundings {
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** URL of the Compute Engine API, without a slash at its end. */
  readonly endpoint: string;
}

/** The real one. */
export const GOOGLE: GceSurroundings = { environment: process.env, endpoint: "https://compute.googleapis.com" };

/** Asks for the machines of a zone at every interval. Throws for credentials that cannot be used. */
export function gceDiscoverer(
  body: GceDiscoveryBody,
  context: DiscovererContext,
  { environment, endpoint }: GceSurroundings = GOOGLE,
): Discoverer {
  const { project, zone, filter, refreshIntervalMs: timeoutMs } = body;
  // Proxies may be named by the environment, as for Google's own libraries.
  const proxy = { ...PLAIN_HTTP.proxy, proxyFromEnvironment: true };
  const client = new ApiClient({ ...PLAIN_HTTP, proxy }, { environment });
  const tokens = new GoogleTokenSource(SCOPE, "", { environment, client, now: () => context.clock.now() });
  const path = `/compute/v1/projects/${encodeURIComponent(project)}/zones/${encodeURIComponent(zone)}/instances`;

  const refresh = async (signal: AbortSignal) => {
    const guard = new PageGuard("instances");
    const targets: ReadonlyMap<string, string>[] = [];
    let next = "";
    do {
      const url = new URL(endpoint + path);
      if (filter !== "") url.searchParams.set("filter", filter);
      if (next !== "") url.searchParams.set("pageToken", next);
      const headers = {
        Authorization: `Bearer ${await tokens.token(signal)}`,
        "User-Agent": `Prometheus/${COMPATIBLE_VERSION}`,
      };
      const page = objectOf(await client.askJson({ url, headers, timeoutMs, signal }), "instances");
      const items = objectsOf(page["items"], "items");
      for (const item of items) {
        const target = instanceTarget(item, body);
        if (target !== undefined) targets.push(target);
      }
      next = textOf(page["nextPageToken"], "nextPageToken");
      if (next !== "") guard.turn(items.length, next, 0);
    } while (next !== "");
    return [{ source: `GCE_${project}_${zone}`, labels: new Map<string, string>(), targets }];
  };
  const explained = async (signal: AbortSignal) => {
    try {
      return await refresh(signal);
    } catch (error) {
      throw new Error(`error retrieving refresh targets from gce: ${(error as Error).message}`, { cause: error });
    }
  };
  return new RefreshDiscoverer("gce", timeoutMs, context, explained, () => client.close());
}
