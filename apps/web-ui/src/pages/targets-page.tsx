/** Targets: what is scraped, when it was last, how long that took, and what went wrong. */
import type { JSX } from "preact";
import { useMemo, useState } from "preact/hooks";
import type { ActiveTarget, TargetsData } from "../api/answers.ts";
import { useAnswer } from "../api/use-answer.ts";
import { humanSpan } from "../format/duration.ts";
import { groupDigits } from "../format/number.ts";
import { href } from "../shell/router.ts";
import { recall, store } from "../shell/settings.ts";
import {
  Ago,
  Badge,
  Choice,
  IconButton,
  Labels,
  Notice,
  PageHead,
  SearchField,
  useGradually,
  waitingFor,
} from "../shell/widgets.tsx";
import { groupTargets, type Pool } from "./target-filter.ts";
import { useSearch } from "./use-search.ts";

const COLLAPSED_KEY = "targetsPage.collapsedPools";
/** With more pools than this, pools start closed unless something in them is down. */
const OPEN_POOLS = 20;

/** The page. */
export function TargetsPage(): JSX.Element {
  const asked = useAnswer<TargetsData>("targets", { state: "active" }, 10_000);
  const [search, setSearch] = useSearch("targets");
  const [collapsed, setCollapsed] = useState<readonly string[]>(() => recall<readonly string[]>(COLLAPSED_KEY, []));
  const filter = {
    pool: search.get("pool") ?? "",
    health: search.get("health") ?? "",
    search: search.get("search") ?? "",
  };
  const targets = asked.answer?.data.activeTargets ?? [];
  const pools = useMemo(() => groupTargets(targets, filter), [targets, filter.pool, filter.health, filter.search]);
  const names = useMemo(() => [...new Set(targets.map((target) => target.scrapePool))].sort(), [targets]);
  const down = targets.filter(({ health }) => health === "down").length;
  const up = targets.filter(({ health }) => health === "up").length;
  const filtered = filter.health !== "" || filter.search !== "";
  const visible = filtered ? pools.filter((pool) => pool.shown.length > 0) : pools;
  const toggle = (name: string, open: boolean): void => {
    const next = open ? collapsed.filter((other) => other !== name) : [...new Set([...collapsed, name])].slice(-1000);
    setCollapsed(next);
    store(COLLAPSED_KEY, next);
  };

  return (
    <>
      <PageHead
        title="Targets"
        note={asked.answer && targets.length > 0 ? summary(up, down, targets.length - up - down) : undefined}
      >
        {names.length > 1 && (
          <select
            aria-label="Pool"
            value={filter.pool}
            onChange={(event) => setSearch({ pool: event.currentTarget.value })}
          >
            <option value="">All pools</option>
            {names.map((name) => (
              <option key={name} value={name}>
                {name}
              </option>
            ))}
          </select>
        )}
        <Choice
          label="Health"
          value={filter.health}
          options={[
            ["", "All"],
            ["up", `Up ${groupDigits(up)}`],
            ["down", `Down ${groupDigits(down)}`],
            ["unknown", "Unknown"],
          ]}
          onChange={(health) => setSearch({ health })}
        />
        <SearchField
          label="Filter by address or labels"
          value={filter.search}
          onChange={(value) => setSearch({ search: value })}
        />
        <IconButton icon="refresh" label="Refresh" onClick={asked.reload} />
      </PageHead>
      {waitingFor(asked, "the targets")}
      {asked.answer && asked.error && (
        <Notice kind="warn" title="These are the last known states">
          {asked.error.message}
        </Notice>
      )}
      {asked.answer && targets.length === 0 && (
        <Notice kind="empty" title="Nothing scraped yet">
          <p>
            No job of the{" "}
            <a href={href("config")} data-route="">
              configuration
            </a>{" "}
            has an active target. Targets that relabeling dropped stand under{" "}
            <a href={href("service-discovery")} data-route="">
              Service discovery
            </a>
            .
          </p>
        </Notice>
      )}
      {asked.answer && targets.length > 0 && visible.length === 0 && (
        <Notice kind="empty" title="No target matches the filter">
          <button type="button" onClick={() => setSearch({ health: "", search: "", pool: "" })}>
            Show all targets
          </button>
        </Notice>
      )}
      {visible.map((pool) => (
        <PoolCard
          key={pool.name}
          pool={pool}
          open={filtered || (!collapsed.includes(pool.name) && (pools.length <= OPEN_POOLS || pool.down > 0))}
          onToggle={(open) => toggle(pool.name, open)}
        />
      ))}
    </>
  );
}

function summary(up: number, down: number, unknown: number): string {
  const parts = [`${groupDigits(up)} up`];
  if (down > 0) parts.push(`${groupDigits(down)} down`);
  if (unknown > 0) parts.push(`${groupDigits(unknown)} not scraped yet`);
  return parts.join(", ");
}

function PoolCard(props: { pool: Pool; open: boolean; onToggle: (open: boolean) => void }): JSX.Element {
  const { pool } = props;
  const { shown, sentinel } = useGradually(pool.shown, 100);
  return (
    <details
      class={pool.down > 0 ? (pool.up === 0 ? "card bad" : "card warn") : "card"}
      open={props.open}
      onToggle={(event) => {
        if (event.currentTarget.open !== props.open) props.onToggle(event.currentTarget.open);
      }}
    >
      <summary>
        <h2>{pool.name}</h2>
        <span class="health-bar" aria-hidden="true">
          <span class="up" style={{ flexGrow: String(pool.up) }} />
          <span class="down" style={{ flexGrow: String(pool.down) }} />
          <span class="unknown" style={{ flexGrow: String(pool.unknown) }} />
        </span>
        <span class="count">
          {groupDigits(pool.up)} / {groupDigits(pool.total)} up
        </span>
      </summary>
      {props.open && (
        <div class="scroll">
          <table class="targets stacked-rows">
            <thead>
              <tr>
                <th scope="col">Endpoint</th>
                <th scope="col">State</th>
                <th scope="col">Labels</th>
                <th scope="col">Last scrape</th>
                <th scope="col" class="number">
                  Took
                </th>
              </tr>
            </thead>
            <tbody>
              {shown.map((target) => (
                <TargetRow key={`${target.scrapeUrl} ${JSON.stringify(target.labels)}`} target={target} />
              ))}
            </tbody>
          </table>
          {sentinel}
        </div>
      )}
    </details>
  );
}

function TargetRow({ target }: { target: ActiveTarget }): JSX.Element {
  const [more, setMore] = useState(false);
  return (
    <>
      <tr>
        <td class="endpoint">
          {/^https?:\/\//i.test(target.globalUrl) ? (
            <a href={target.globalUrl} target="_blank" rel="noreferrer">
              {target.scrapeUrl}
            </a>
          ) : (
            // Labels may come from anybody: only web addresses become links.
            target.scrapeUrl
          )}
        </td>
        <td>
          <Badge tone={target.health === "up" ? "good" : target.health === "down" ? "bad" : "quiet"}>
            {target.health}
          </Badge>
        </td>
        <td>
          <Labels labels={target.labels} />
          <button type="button" class="link small" aria-expanded={more} onClick={() => setMore(!more)}>
            {more ? "less" : "discovered"}
          </button>
        </td>
        <td>
          <Ago time={target.lastScrape} />
          {target.scrapeInterval && <span class="muted"> every {target.scrapeInterval}</span>}
        </td>
        <td
          class="number"
          data-before="took"
          title={target.scrapeTimeout ? `Given up after ${target.scrapeTimeout}` : undefined}
        >
          {target.lastScrapeDuration > 0 ? humanSpan(target.lastScrapeDuration * 1000) : "–"}
        </td>
      </tr>
      {target.lastError && (
        <tr class="detail">
          <td colSpan={5}>
            <p class="target-error">
              <strong>Error scraping target:</strong> {target.lastError}
            </p>
          </td>
        </tr>
      )}
      {target.refusedSeries !== undefined && (
        <tr class="detail">
          <td colSpan={5}>
            <p class="target-error">
              <strong>New series refused:</strong> {target.refusedSeries} of the last scrape. A series budget is used
              up, or memory is short; known series go on.
            </p>
          </td>
        </tr>
      )}
      {more && (
        <tr class="detail">
          <td colSpan={5}>
            <span class="muted">Before relabeling: </span>
            <Labels labels={target.discoveredLabels} />
          </td>
        </tr>
      )}
    </>
  );
}
