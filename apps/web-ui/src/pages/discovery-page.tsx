/** Service discovery: what was found, and what relabeling made of it. */
import type { JSX } from "preact";
import { useMemo } from "preact/hooks";
import type { TargetsData } from "../api/answers.ts";
import { useAnswer } from "../api/use-answer.ts";
import { type LabelMap, matchesSearch } from "../format/labels.ts";
import { groupDigits } from "../format/number.ts";
import { Badge, Choice, Labels, Notice, PageHead, SearchField, useGradually, waitingFor } from "../shell/widgets.tsx";
import { useSearch } from "./use-search.ts";

interface Found {
  readonly discovered: LabelMap;
  /** Null for what relabeling dropped. */
  readonly labels: LabelMap | null;
}

interface FoundPool {
  readonly name: string;
  readonly active: number;
  readonly dropped: number;
  readonly listed: readonly Found[];
  readonly partial: boolean;
}

/** The page. */
export function DiscoveryPage(): JSX.Element {
  const asked = useAnswer<TargetsData>("targets", { state: "any" }, 30_000);
  const [search, setSearch] = useSearch("service-discovery");
  const state = search.get("state") ?? "";
  const words = search.get("search") ?? "";
  const pools = useMemo(() => group(asked.answer?.data), [asked.answer]);
  return (
    <>
      <PageHead title="Service discovery" note="What was found, and which labels relabeling left.">
        <Choice
          label="State"
          value={state}
          options={[
            ["", "All"],
            ["active", "Active"],
            ["dropped", "Dropped"],
          ]}
          onChange={(value) => setSearch({ state: value })}
        />
        <SearchField label="Filter by labels" value={words} onChange={(value) => setSearch({ search: value })} />
      </PageHead>
      {waitingFor(asked, "what was discovered")}
      {asked.answer && pools.length === 0 && (
        <Notice kind="empty" title="Nothing discovered yet">
          <p>No job is configured, or none of the jobs has found a target.</p>
        </Notice>
      )}
      {pools.map((pool) => (
        <PoolCard key={pool.name} pool={pool} state={state} search={words} />
      ))}
    </>
  );
}

function PoolCard({ pool, state, search }: { pool: FoundPool; state: string; search: string }): JSX.Element {
  const listed = useMemo(
    () =>
      pool.listed.filter(
        ({ discovered, labels }) =>
          (state === "" || (state === "active") === (labels !== null)) &&
          matchesSearch(search, { ...discovered, ...(labels ?? {}) }),
      ),
    [pool, state, search],
  );
  const { shown, sentinel } = useGradually(listed, 50);
  return (
    <details class="card" open>
      <summary>
        <h2>{pool.name}</h2>
        <span class="count">
          {groupDigits(pool.active)} / {groupDigits(pool.active + pool.dropped)} active
        </span>
      </summary>
      {pool.partial && (
        <p class="note cut">
          Only showing partial dropped targets: the server keeps no more of them (keep_dropped_targets).
        </p>
      )}
      <div class="scroll">
        <table class="stacked-rows discovery">
          <thead>
            <tr>
              <th scope="col">Discovered labels</th>
              <th scope="col">Target labels</th>
            </tr>
          </thead>
          <tbody>
            {shown.map(({ discovered, labels }, i) => (
              <tr key={i}>
                <td>
                  <Labels labels={discovered} />
                </td>
                <td>
                  {labels ? <Labels labels={labels} /> : <Badge tone="quiet">dropped due to relabeling rules</Badge>}
                </td>
              </tr>
            ))}
          </tbody>
        </table>
        {listed.length === 0 && <p class="note">Nothing here matches the filter.</p>}
        {sentinel}
      </div>
    </details>
  );
}

function group(data: TargetsData | undefined): FoundPool[] {
  const pools = new Map<string, Found[]>();
  const add = (name: string, found: Found): void => {
    const pool = pools.get(name);
    if (pool) pool.push(found);
    else pools.set(name, [found]);
  };
  for (const target of data?.activeTargets ?? []) {
    add(target.scrapePool, { discovered: target.discoveredLabels, labels: target.labels });
  }
  for (const target of data?.droppedTargets ?? []) {
    // Older servers do not say which pool dropped a target; its job label does.
    add(target.scrapePool ?? target.discoveredLabels["job"] ?? "unknown pool", {
      discovered: target.discoveredLabels,
      labels: null,
    });
  }
  for (const name of Object.keys(data?.droppedTargetCounts ?? {})) if (!pools.has(name)) pools.set(name, []);
  return [...pools]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, listed]) => {
      const active = listed.filter(({ labels }) => labels !== null).length;
      const dropped = data?.droppedTargetCounts?.[name] ?? listed.length - active;
      return { name, listed, active, dropped, partial: listed.length - active < dropped };
    });
}
