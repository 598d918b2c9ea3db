/** Silences: those there are, one of them, and the form that makes and changes them. */
import type { JSX } from "preact";
import { useMemo, useState } from "preact/hooks";
import { groupDigits } from "../format/number.ts";
import { Dialog } from "../shell/dialog.tsx";
import { Icon } from "../shell/icons.tsx";
import { useCell } from "../shell/signal.ts";
import { toast } from "../shell/toasts.tsx";
import { Ago, Choice, Notice, PageHead, useGradually, waitingFor } from "../shell/widgets.tsx";
import { changeAlertmanager, type Silence, useAlertmanager } from "./api.ts";
import { FilterBar, MatcherText } from "./filter-bar.tsx";
import { hashHref, hashPlace, useHashSearch } from "./hash-router.ts";
import { formatMatcher, fromApi, parseMatchers } from "./matchers.ts";
import { RecurringForm } from "./recurring-form.tsx";
import { RecurringList } from "./recurring-list.tsx";
import { SilenceForm } from "./silence-form.tsx";
import { SilenceView } from "./silence-view.tsx";

type State = Silence["status"]["state"];

const REFRESH_MS = 15_000;
const STATES: readonly State[] = ["active", "pending", "expired"];
const AT_FIRST = 100;
const EXTENSIONS: readonly (readonly [string, number])[] = [
  ["+1 h", 3_600_000],
  ["+4 h", 4 * 3_600_000],
  ["+1 d", 86_400_000],
];

export function SilencesPage(): JSX.Element {
  const { parts } = useCell(hashPlace);
  const [, id, action] = parts;
  if (id === "recurring") return action === "new" ? <RecurringForm /> : <RecurringList />;
  if (id === "new") return <SilenceForm key="new" id={undefined} />;
  if (id !== undefined && action === "edit") return <SilenceForm key={id} id={id} />;
  if (id !== undefined) return <SilenceView key={id} id={id} />;
  return <SilenceList />;
}

function SilenceList(): JSX.Element {
  const [search, setSearch] = useHashSearch();
  const filter = search.get("filter") ?? "";
  const matchers = parseMatchers(filter) ?? [];
  const state = STATES.find((each) => each === search.get("state")) ?? "active";
  const asked = useAlertmanager<readonly Silence[]>("silences", { filter: matchers.map(formatMatcher) }, REFRESH_MS);
  const all = asked.answer?.data;
  const chosen = useMemo(() => (all ?? []).filter(({ status }) => status.state === state), [all, state]);
  const { shown, sentinel } = useGradually(chosen, AT_FIRST);
  const count = (wanted: State): string =>
    all === undefined ? "" : ` ${groupDigits(all.filter(({ status }) => status.state === wanted).length)}`;
  return (
    <>
      <PageHead title="Silences">
        <FilterBar
          value={filter}
          label="Filter silences by their matchers"
          onChange={(value) => setSearch({ filter: value })}
        />
        <Choice<State>
          label="State"
          value={state}
          options={STATES.map((each) => [each, `${each[0]!.toUpperCase()}${each.slice(1)}${count(each)}`])}
          onChange={(value) => setSearch({ state: value === "active" ? "" : value })}
        />
        <a class="button" href={hashHref("silences/recurring")}>
          <Icon name="refresh" />
          Recurring
        </a>
        <a class="button primary" href={hashHref("silences/new")}>
          <Icon name="plus" />
          New silence
        </a>
      </PageHead>
      {waitingFor(asked, "the silences")}
      {all && chosen.length === 0 && (
        <Notice
          kind="empty"
          title={filter === "" ? `No ${state} silences` : `No ${state} silence has these matchers`}
        />
      )}
      {chosen.length > 0 && (
        <section class="card" aria-label={`${state} silences`}>
          <table class="silences stacked-rows">
            <thead>
              <tr>
                <th scope="col">Silenced are alerts with</th>
                <th scope="col">{state === "pending" ? "Starts" : state === "expired" ? "Ended" : "Ends"}</th>
                <th scope="col">By</th>
                <th scope="col">Why</th>
                <th scope="col">
                  <span class="visually-hidden">Actions</span>
                </th>
              </tr>
            </thead>
            <tbody>
              {shown.map((silence) => (
                <SilenceLine key={silence.id} silence={silence} onChanged={asked.reload} />
              ))}
            </tbody>
          </table>
          {sentinel}
        </section>
      )}
    </>
  );
}

function SilenceLine({ silence, onChanged }: { silence: Silence; onChanged: () => void }): JSX.Element {
  const { id, status, startsAt, endsAt, createdBy, comment } = silence;
  return (
    <tr>
      <td>
        <a class="matcher-list" href={hashHref(`silences/${id}`)}>
          {silence.matchers.map((matcher) => (
            <span key={JSON.stringify(matcher)} class="chip">
              <MatcherText matcher={fromApi(matcher)} />
            </span>
          ))}
        </a>
      </td>
      <td
        class="time-cell"
        data-before={status.state === "pending" ? "starts" : status.state === "expired" ? "ended" : "ends"}
      >
        <Ago time={status.state === "pending" ? startsAt : endsAt} planned />
      </td>
      <td data-before="by">{createdBy}</td>
      <td class="comment-cell">{comment}</td>
      <td class="actions-cell">
        <SilenceActions silence={silence} onChanged={onChanged} />
      </td>
    </tr>
  );
}

/** Edit, extend, expire; for one that has ended: make it anew. */
export function SilenceActions({ silence, onChanged }: { silence: Silence; onChanged: () => void }): JSX.Element {
  const [asks, setAsks] = useState(false);
  const { id, status } = silence;
  const isOver = status.state === "expired";
  const extend = async (byMs: number): Promise<void> => {
    const endsAt = new Date(Date.parse(silence.endsAt) + byMs).toISOString();
    const { matchers, startsAt, createdBy, comment, annotations } = silence;
    try {
      await changeAlertmanager("POST", "silences", {
        id,
        matchers,
        startsAt,
        endsAt,
        createdBy,
        comment,
        ...(annotations === undefined ? {} : { annotations }),
      });
      toast("Extended");
      onChanged();
    } catch (error) {
      toast((error as Error).message, "error");
    }
  };
  const expire = async (): Promise<void> => {
    setAsks(false);
    try {
      await changeAlertmanager("DELETE", `silence/${encodeURIComponent(id)}`);
      toast("Expired");
      onChanged();
    } catch (error) {
      toast((error as Error).message, "error");
    }
  };
  return (
    <span class="actions">
      <a class="button" href={hashHref(`silences/${id}/edit`)}>
        <Icon name={isOver ? "refresh" : "edit"} />
        {isOver ? "Recreate" : "Edit"}
      </a>
      {!isOver &&
        EXTENSIONS.map(([text, ms]) => (
          <button key={text} type="button" title={`End ${text.slice(1)} later`} onClick={() => void extend(ms)}>
            {text}
          </button>
        ))}
      {!isOver && (
        <button type="button" onClick={() => setAsks(true)}>
          Expire
        </button>
      )}
      <Dialog open={asks} title="Expire this silence?" onClose={() => setAsks(false)}>
        <p>Its alerts are told of again from now on.</p>
        <p class="matcher-list">
          {silence.matchers.map((matcher) => (
            <span key={JSON.stringify(matcher)} class="chip">
              <MatcherText matcher={fromApi(matcher)} />
            </span>
          ))}
        </p>
        <p class="dialog-actions">
          <button type="button" onClick={() => setAsks(false)}>
            Keep it
          </button>
          <button type="button" class="primary" onClick={() => void expire()}>
            Expire
          </button>
        </p>
      </Dialog>
    </span>
  );
}
