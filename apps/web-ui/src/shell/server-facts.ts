/** What the server writes into `index.html`, as `<meta name="narthex-…" content="…">`. See README.md for the list. */
import { prefixOf } from "./path-prefix.ts";

/** The content of `narthex-NAME`; empty when the server left the placeholder (`__…__`) or the element is missing. */
function fact(name: string): string {
  const content = document.querySelector<HTMLMetaElement>(`meta[name="narthex-${name}"]`)?.content ?? "";
  return /^__[A-Z_]+__$/.test(content) ? "" : content;
}

/** The route prefix without trailing slash: the server's word, else what the address itself says. */
export const PATH_PREFIX: string = fact("path-prefix").replace(/\/+$/, "") || prefixOf(location.pathname);

/** The page title that `--web.page-title` sets. */
export const PAGE_TITLE: string = fact("title") || "Narthex";

/** True when the server only forwards what it scrapes and answers no queries. */
export const AGENT_MODE: boolean = fact("agent-mode") === "true";

/** Address of the consoles' index, when there is one. */
export const CONSOLES_LINK: string = fact("consoles-link");

/** The lookback delta in milliseconds, for the notes under empty results. Five minutes unless the server says otherwise. */
export const LOOKBACK_MS: number = Number(fact("lookback-delta-ms")) || 300_000;
