/** The pages there are: their routes, what they are called, and where their code lies (loaded when first visited). */
import type { ComponentType } from "preact";
import type { IconName } from "./icons.tsx";
import { AGENT_MODE } from "./server-facts.ts";

/** One page. */
export interface Page {
  readonly route: string;
  readonly title: string;
  readonly icon: IconName;
  readonly group: "Ask" | "Watch" | "Server";
  /** Key that follows `g` to go there. */
  readonly key: string;
  readonly load: () => Promise<ComponentType>;
}

const ALL: readonly (Page & { readonly needsQueries?: true })[] = [
  {
    route: "query",
    title: "Query",
    icon: "query",
    group: "Ask",
    key: "q",
    needsQueries: true,
    load: async () => (await import("../query/query-page.tsx")).QueryPage,
  },
  {
    route: "targets",
    title: "Targets",
    icon: "targets",
    group: "Watch",
    key: "t",
    load: async () => (await import("../pages/targets-page.tsx")).TargetsPage,
  },
  {
    route: "service-discovery",
    title: "Service discovery",
    icon: "discovery",
    group: "Watch",
    key: "d",
    load: async () => (await import("../pages/discovery-page.tsx")).DiscoveryPage,
  },
  {
    route: "alerts",
    title: "Alerts",
    icon: "alerts",
    group: "Watch",
    key: "a",
    needsQueries: true,
    load: async () => (await import("../pages/rules-page.tsx")).AlertsPage,
  },
  {
    route: "rules",
    title: "Rules",
    icon: "rules",
    group: "Watch",
    key: "r",
    needsQueries: true,
    load: async () => (await import("../pages/rules-page.tsx")).RulesPage,
  },
  {
    route: "status",
    title: "Runtime & build",
    icon: "status",
    group: "Server",
    key: "s",
    load: async () => (await import("../pages/status-page.tsx")).StatusPage,
  },
  {
    route: "tsdb-status",
    title: "TSDB status",
    icon: "tsdb",
    group: "Server",
    key: "b",
    needsQueries: true,
    load: async () => (await import("../pages/tsdb-page.tsx")).TsdbPage,
  },
  {
    route: "flags",
    title: "Flags",
    icon: "flags",
    group: "Server",
    key: "f",
    load: async () => (await import("../pages/flags-page.tsx")).FlagsPage,
  },
  {
    route: "config",
    title: "Configuration",
    icon: "config",
    group: "Server",
    key: "c",
    load: async () => (await import("../pages/config-page.tsx")).ConfigPage,
  },
  {
    route: "alertmanager-discovery",
    title: "Alertmanagers",
    icon: "alertmanagers",
    group: "Server",
    key: "m",
    needsQueries: true,
    load: async () => (await import("../pages/status-page.tsx")).AlertmanagersPage,
  },
];

/** The pages of this server; an agent has none that need queries. */
export const PAGES: readonly Page[] = ALL.filter((page) => !AGENT_MODE || !page.needsQueries);

/** The page that stands at the root. */
export const HOME: Page = PAGES[0]!;
