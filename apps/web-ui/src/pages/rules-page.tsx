/** Rules and alerts: what is evaluated, how that goes, and what fires. */
import type { ComponentChildren, JSX } from "preact";
import { useMemo } from "preact/hooks";
import type { Alert, Rule, RuleGroup } from "../api/answers.ts";
import { useAnswer } from "../api/use-answer.ts";
import { humanSpan } from "../format/duration.ts";
import { type LabelMap, matchesSearch } from "../format/labels.ts";
import { groupDigits } from "../format/number.ts";
import { href } from "../shell/router.ts";
import {
  Ago,
  Badge,
  Choice,
  Labels,
  Notice,
  PageHead,
  SearchField,
  useGradually,
  waitingFor,
} from "../shell/widgets.tsx";
import { formatPageState, NEW_PANEL } from "../state/page-state.ts";
import { useSearch } from "./use-search.ts";

/** How bad a state is: firing first. */
const STATE_RANK = { firing: 0, pending: 1, unknown: 2, inactive: 3 } as const;
const STATE_TONE = { firing: "bad", pending: "warn", unknown: "quiet", inactive: "good" } as const;

/** The page of alerting rules and their alerts. */
export function AlertsPage(): JSX.Element {
  const asked = useAnswer<{ groups: readonly RuleGroup[] }>("rules", { type: "alert" }, 10_000);
  const [search, setSearch] = useSearch("alerts");
  const state = search.get("state") ?? "";
  const words = search.get("search") ?? "";
  const groups = asked.answer?.data.groups ?? [];
  const rules = groups.flatMap((group) => group.rules);
  const count = (wanted: string): number => rules.filter((rule) => rule.state === wanted).length;
  const filtered = useGroups(asked.answer?.data.groups, words, "state", state);
  return (
    <>
      <PageHead
        title="Alerts"
        note={
          rules.length > 0
            ? `${count("firing")} firing, ${count("pending")} pending, ${count("inactive")} inactive`
            : undefined
        }
      >
        <Choice
          label="State"
          value={state}
          options={[
            ["", "All"],
            ["firing", "Firing"],
            ["pending", "Pending"],
            ["inactive", "Inactive"],
          ]}
          onChange={(value) => setSearch({ state: value })}
        />
        <SearchField
          label="Filter by name or labels"
          value={words}
          onChange={(value) => setSearch({ search: value })}
        />
      </PageHead>
      {waitingFor(asked, "the alerts")}
      {asked.answer && rules.length === 0 && (
        <Notice kind="empty" title="No alerting rules">
          <p>
            None are loaded. Files with rules are named under <code>rule_files</code> of the{" "}
            <a href={href("config")} data-route="">
              configuration
            </a>
            .
          </p>
        </Notice>
      )}
      {rules.length > 0 && filtered.length === 0 && <Notice kind="empty" title="No alert matches the filter" />}
      {filtered.map(({ group, rules: shown }) => (
        <GroupCard key={`${group.file} ${group.name}`} group={group} rules={shown} />
      ))}
    </>
  );
}

/** The page of all rules and how their evaluation goes. */
export function RulesPage(): JSX.Element {
  const asked = useAnswer<{ groups: readonly RuleGroup[] }>("rules", {}, 10_000);
  const [search, setSearch] = useSearch("rules");
  const health = search.get("health") ?? "";
  const words = search.get("search") ?? "";
  const groups = asked.answer?.data.groups ?? [];
  const rules = groups.flatMap((group) => group.rules);
  const failing = rules.filter((rule) => rule.health === "err").length;
  const filtered = useGroups(asked.answer?.data.groups, words, "health", health);
  return (
    <>
      <PageHead
        title="Rules"
        note={
          rules.length > 0
            ? `${groupDigits(rules.length)} rules in ${groupDigits(groups.length)} groups, ${failing === 0 ? "none" : failing} failing`
            : undefined
        }
      >
        <Choice
          label="Health"
          value={health}
          options={[
            ["", "All"],
            ["ok", "Ok"],
            ["err", "Failing"],
            ["unknown", "Unknown"],
          ]}
          onChange={(value) => setSearch({ health: value })}
        />
        <SearchField
          label="Filter by name, query or labels"
          value={words}
          onChange={(value) => setSearch({ search: value })}
        />
      </PageHead>
      {waitingFor(asked, "the rules")}
      {asked.answer && groups.length === 0 && (
        <Notice kind="empty" title="No rules found">
          <p>
            Rules record the result of a query as a new series, or watch it and raise alerts. Name their files under{" "}
            <code>rule_files</code> of the{" "}
            <a href={href("config")} data-route="">
              configuration
            </a>
            .
          </p>
        </Notice>
      )}
      {rules.length > 0 && filtered.length === 0 && <Notice kind="empty" title="No rule matches the filter" />}
      {filtered.map(({ group, rules: shown }) => (
        <GroupCard key={`${group.file} ${group.name}`} group={group} rules={shown} />
      ))}
    </>
  );
}

function useGroups(
  groups: readonly RuleGroup[] | undefined,
  search: string,
  field: "state" | "health",
  wanted: string,
): { group: RuleGroup; rules: Rule[] }[] {
  return useMemo(
    () =>
      (groups ?? [])
        .map((group) => ({
          group,
          rules: group.rules
            .filter(
              (rule) =>
                (wanted === "" || rule[field] === wanted) &&
                matchesSearch(search, rule.labels ?? {}, `${rule.name} ${rule.query} ${group.name}`),
            )
            // Alerts are read for what fires, rules in the order they run in.
            .sort((a, b) =>
              field === "state" ? STATE_RANK[a.state ?? "inactive"] - STATE_RANK[b.state ?? "inactive"] : 0,
            ),
        }))
        .filter(({ rules }) => rules.length > 0),
    [groups, search, field, wanted],
  );
}

function GroupCard({ group, rules }: { group: RuleGroup; rules: readonly Rule[] }): JSX.Element {
  const { shown, sentinel } = useGradually(rules, 50);
  return (
    <section class="card">
      <div class="card-head">
        <h2>{group.name}</h2>
        <span class="muted file">{group.file}</span>
        <span class="count">
          every {humanSpan(group.interval * 1000)}, ran <Ago time={group.lastEvaluation} />, took{" "}
          {humanSpan(group.evaluationTime * 1000)}
        </span>
      </div>
      {shown.map((rule, i) => (
        <RuleItem key={`${rule.name} ${i}`} rule={rule} />
      ))}
      {sentinel}
    </section>
  );
}

function RuleItem({ rule }: { rule: Rule }): JSX.Element {
  const alerts = rule.alerts ?? [];
  const state = rule.state ?? "inactive";
  return (
    <details class="rule" open={rule.health === "err" || state === "firing"}>
      <summary>
        {rule.type === "alerting" ? (
          <Badge tone={STATE_TONE[state]}>{state}</Badge>
        ) : (
          <Badge tone="quiet">record</Badge>
        )}
        <b>{rule.name}</b>
        {alerts.length > 0 && <span class="muted">{alerts.length === 1 ? "1 alert" : `${alerts.length} alerts`}</span>}
        <span class="count">
          {rule.health === "err" && <Badge tone="bad">failing</Badge>} <Ago time={rule.lastEvaluation} />,{" "}
          {humanSpan(rule.evaluationTime * 1000)}
        </span>
      </summary>
      <div class="rule-body">
        {rule.health === "err" && rule.lastError && (
          <Notice kind="error" title="Rule failed to evaluate">
            <p class="message">{rule.lastError}</p>
          </Notice>
        )}
        <pre class="rule-query">
          <a href={href("query", queryLink(rule.query))} data-route="" title="Query rule expression">
            {rule.query}
          </a>
        </pre>
        <dl class="facts">
          {rule.type === "alerting" && (rule.duration ?? 0) > 0 && (
            <Fact name="for">{humanSpan((rule.duration ?? 0) * 1000)}</Fact>
          )}
          {(rule.keepFiringFor ?? 0) > 0 && (
            <Fact name="keep_firing_for">{humanSpan((rule.keepFiringFor ?? 0) * 1000)}</Fact>
          )}
          {Object.keys(rule.labels ?? {}).length > 0 && (
            <Fact name="labels">
              <Labels labels={rule.labels ?? {}} />
            </Fact>
          )}
          {Object.entries(rule.annotations ?? {}).map(([name, text]) => (
            <Fact key={name} name={name}>
              {text}
            </Fact>
          ))}
        </dl>
        {alerts.length > 0 && <Alerts alerts={alerts} />}
      </div>
    </details>
  );
}

function Fact({ name, children }: { name: string; children: ComponentChildren }): JSX.Element {
  return (
    <div>
      <dt>{name}</dt>
      <dd>{children}</dd>
    </div>
  );
}

function Alerts({ alerts }: { alerts: readonly Alert[] }): JSX.Element {
  const { shown, sentinel } = useGradually(alerts, 100);
  return (
    <div class="scroll">
      <table class="stacked-rows">
        <thead>
          <tr>
            <th scope="col">Alert labels</th>
            <th scope="col">State</th>
            <th scope="col">Active since</th>
            <th scope="col" class="number">
              Value
            </th>
          </tr>
        </thead>
        <tbody>
          {shown.map((alert, i) => (
            <tr key={i}>
              <td>
                <Labels labels={alert.labels} />
                <Annotated annotations={alert.annotations} />
              </td>
              <td>
                <Badge tone={STATE_TONE[alert.state]}>{alert.state}</Badge>
              </td>
              <td>
                <Ago time={alert.activeAt} />
              </td>
              <td class="number">{Number.isNaN(Number(alert.value)) ? alert.value : String(Number(alert.value))}</td>
            </tr>
          ))}
        </tbody>
      </table>
      {sentinel}
    </div>
  );
}

function Annotated({ annotations }: { annotations: LabelMap }): JSX.Element | null {
  const texts = Object.entries(annotations);
  if (texts.length === 0) return null;
  return (
    <ul class="plain-list annotations">
      {texts.map(([name, text]) => (
        <li key={name}>
          <span class="muted">{name}:</span> {text}
        </li>
      ))}
    </ul>
  );
}

function queryLink(expr: string): string {
  return formatPageState({ panels: [{ ...NEW_PANEL, expr }], overlay: false, refreshMs: 0 });
}
