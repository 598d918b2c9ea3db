/** Targets by pool, and which of them to show. */
import type { ActiveTarget } from "../api/answers.ts";
import { matchesSearch } from "../format/labels.ts";

/** A pool's targets that pass the filter, and how all of its targets are doing. */
export interface Pool {
  readonly name: string;
  readonly shown: readonly ActiveTarget[];
  readonly total: number;
  readonly up: number;
  readonly down: number;
  readonly unknown: number;
}

/** What to show; empty fields let everything pass. */
export interface TargetFilter {
  readonly pool: string;
  readonly health: string;
  readonly search: string;
}

/** Groups `targets` by pool, pools sorted by name; those that are down come first within a pool, then by address. */
export function groupTargets(targets: readonly ActiveTarget[], filter: TargetFilter): Pool[] {
  const pools = new Map<string, ActiveTarget[]>();
  for (const target of targets) {
    const pool = pools.get(target.scrapePool);
    if (pool) pool.push(target);
    else pools.set(target.scrapePool, [target]);
  }
  return [...pools]
    .filter(([name]) => filter.pool === "" || name === filter.pool)
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, members]) => ({
      name,
      shown: members.filter((target) => passes(target, filter)).sort(byTrouble),
      total: members.length,
      up: members.filter(({ health }) => health === "up").length,
      down: members.filter(({ health }) => health === "down").length,
      unknown: members.filter(({ health }) => health !== "up" && health !== "down").length,
    }));
}

function passes(target: ActiveTarget, { health, search }: TargetFilter): boolean {
  if (health !== "" && target.health !== health) return false;
  return matchesSearch(search, target.labels, `${target.scrapeUrl} ${target.lastError}`);
}

function byTrouble(a: ActiveTarget, b: ActiveTarget): number {
  const rank = Number(a.health !== "down") - Number(b.health !== "down");
  return rank !== 0 ? rank : a.scrapeUrl < b.scrapeUrl ? -1 : 1;
}
