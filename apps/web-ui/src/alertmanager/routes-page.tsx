/** The routing tree, and where an alert with given labels goes in it. */
import type { JSX } from "preact";
import { useEffect, useState } from "preact/hooks";
import { ApiError } from "../api/client.ts";
import { humanSpan } from "../format/duration.ts";
import { Icon } from "../shell/icons.tsx";
import { Notice, PageHead, waitingFor } from "../shell/widgets.tsx";
import { changeAlertmanager, type RouteNode, useAlertmanager } from "./api.ts";
import { useHashSearch } from "./hash-router.ts";
import { LABELS_EXPECTED, parseLabels } from "./matchers.ts";

interface Tested {
  readonly routes: readonly { readonly receiver: string; readonly routeId: string }[];
}

export function RoutesPage(): JSX.Element {
  const asked = useAlertmanager<RouteNode>("narthex/routes");
  const [search, setSearch] = useHashSearch();
  const labels = search.get("labels") ?? "";
  const { tested, problem } = useTest(labels);
  const taken = new Set((tested?.routes ?? []).map(({ routeId }) => routeId));
  return (
    <>
      <PageHead
        title="Routing"
        note="An alert takes the first branch that fits, and goes on where a route continues."
      />
      <form
        class="route-test"
        onSubmit={(event) => {
          event.preventDefault();
          setSearch({ labels: String(new FormData(event.currentTarget).get("labels") ?? "") });
        }}
      >
        <label>
          <span>Where does an alert with these labels go?</span>
          <input
            key={labels}
            name="labels"
            type="text"
            defaultValue={labels}
            placeholder='alertname="Down", severity="page"'
            data-first-input=""
            spellcheck={false}
            autocapitalize="off"
          />
        </label>
        <button type="submit" class="primary">
          Try
        </button>
      </form>
      {problem !== "" && (
        <p class="field-error" role="alert">
          {problem}
        </p>
      )}
      {tested && (
        <p role="status">
          <b>{tested.routes.map(({ receiver }) => receiver).join(", ")}</b> {tested.routes.length === 1 ? "is" : "are"}{" "}
          told.
        </p>
      )}
      {asked.error?.status === 404 || asked.error?.status === 405 ? (
        <Notice kind="info" title="This Alertmanager does not show its routes here">
          <p>
            The <a href="#/status">configuration</a> has them.
          </p>
        </Notice>
      ) : (
        waitingFor(asked, "the routes")
      )}
      {asked.answer && (
        <section class="card padded">
          <ul class="routes">
            <RouteItem route={asked.answer.data} taken={taken} />
          </ul>
        </section>
      )}
    </>
  );
}

function RouteItem({ route, taken }: { route: RouteNode; taken: ReadonlySet<string> }): JSX.Element {
  return (
    <li>
      <div class={taken.has(route.id) ? "route taken" : "route"}>
        <code>{route.matchers === "{}" ? "every alert" : route.matchers}</code>
        <Icon name="right" />
        <b>{route.receiver}</b>
        {taken.has(route.id) && <span class="visually-hidden">(taken)</span>}
        {route.continues && <span class="badge quiet">continues</span>}
        <span class="muted">
          {route.groupBy.length === 0
            ? "one group"
            : route.groupBy[0] === "..."
              ? "no grouping"
              : `by ${route.groupBy.join(", ")}`}
          {`, wait ${humanSpan(route.groupWaitSeconds * 1000)}, interval ${humanSpan(route.groupIntervalSeconds * 1000)}, repeat ${humanSpan(route.repeatIntervalSeconds * 1000)}`}
          {route.muteTimeIntervals.length > 0 && `, muted in ${route.muteTimeIntervals.join(", ")}`}
          {route.activeTimeIntervals.length > 0 && `, only in ${route.activeTimeIntervals.join(", ")}`}
        </span>
      </div>
      {route.routes.length > 0 && (
        <ul>
          {route.routes.map((child) => (
            <RouteItem key={child.id} route={child} taken={taken} />
          ))}
        </ul>
      )}
    </li>
  );
}

function useTest(text: string): { tested: Tested | undefined; problem: string } {
  const [state, setState] = useState<{ tested: Tested | undefined; problem: string }>({
    tested: undefined,
    problem: "",
  });
  useEffect(() => {
    setState({ tested: undefined, problem: "" });
    if (text.trim() === "") return;
    const labels = parseLabels(text);
    if (labels === undefined) {
      setState({ tested: undefined, problem: LABELS_EXPECTED });
      return;
    }
    let isGone = false;
    changeAlertmanager<Tested>("POST", "narthex/routes/test", { labels }).then(
      (tested) => !isGone && setState({ tested, problem: "" }),
      (error: unknown) =>
        !isGone && setState({ tested: undefined, problem: error instanceof ApiError ? error.message : String(error) }),
    );
    return () => {
      isGone = true;
    };
  }, [text]);
  return state;
}
