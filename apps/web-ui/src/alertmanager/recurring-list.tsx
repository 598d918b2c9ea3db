/** Silences that come again: those there are. */
import type { JSX } from "preact";
import { useState } from "preact/hooks";
import { Dialog } from "../shell/dialog.tsx";
import { Icon } from "../shell/icons.tsx";
import { toast } from "../shell/toasts.tsx";
import { Notice, PageHead, useGradually, waitingFor } from "../shell/widgets.tsx";
import { changeAlertmanager, type RecurringSilence, type Silence, useAlertmanager } from "./api.ts";
import { MatcherText } from "./filter-bar.tsx";
import { hashHref } from "./hash-router.ts";
import { parseMatchers } from "./matchers.ts";
import { intervalText } from "./schedule.ts";

const REFRESH_MS = 15_000;
const AT_FIRST = 100;
/** The annotation by which the silences of a schedule are known. */
const MADE_BY = "narthex_recurring";

export function RecurringList(): JSX.Element {
  const asked = useAlertmanager<readonly RecurringSilence[]>("narthex/recurring-silences", {}, REFRESH_MS);
  const active = useAlertmanager<readonly Silence[]>("silences", { pending: "false", expired: "false" }, REFRESH_MS);
  const { shown, sentinel } = useGradually(asked.answer?.data ?? [], AT_FIRST);
  const made = new Map((active.answer?.data ?? []).map(({ id, annotations }) => [annotations?.[MADE_BY] ?? "", id]));
  return (
    <>
      <PageHead title="Recurring silences" note="Each makes a silence whenever its time comes.">
        <a class="button" href="#/silences">
          All silences
        </a>
        <a class="button primary" href={hashHref("silences/recurring/new")}>
          <Icon name="plus" />
          New recurring silence
        </a>
      </PageHead>
      {asked.error?.status === 404 ? (
        <Notice kind="info" title="This Alertmanager has no silences that come again" />
      ) : (
        waitingFor(asked, "the recurring silences")
      )}
      {asked.answer?.data.length === 0 && <Notice kind="empty" title="No silence comes again by itself" />}
      {shown.length > 0 && (
        <section class="card" aria-label="Recurring silences">
          <table class="silences stacked-rows">
            <thead>
              <tr>
                <th scope="col">Silenced are alerts with</th>
                <th scope="col">When</th>
                <th scope="col">By</th>
                <th scope="col">Why</th>
                <th scope="col">
                  <span class="visually-hidden">Actions</span>
                </th>
              </tr>
            </thead>
            <tbody>
              {shown.map((recurring) => (
                <RecurringLine
                  key={recurring.id}
                  recurring={recurring}
                  silence={made.get(recurring.id)}
                  onChanged={asked.reload}
                />
              ))}
            </tbody>
          </table>
          {sentinel}
        </section>
      )}
    </>
  );
}

/** `silence` is the id of the one that holds now. */
function RecurringLine(props: {
  recurring: RecurringSilence;
  silence: string | undefined;
  onChanged: () => void;
}): JSX.Element {
  const { recurring, silence, onChanged } = props;
  const [asks, setAsks] = useState(false);
  const remove = async (): Promise<void> => {
    setAsks(false);
    try {
      await changeAlertmanager("DELETE", `narthex/recurring-silences/${encodeURIComponent(recurring.id)}`);
      toast("Removed");
      onChanged();
    } catch (error) {
      toast((error as Error).message, "error");
    }
  };
  return (
    <tr>
      <td>
        <RecurringMatchers text={recurring.matchers} />
      </td>
      <td class="comment-cell">
        {silence !== undefined && (
          <>
            <a class="badge good" href={hashHref(`silences/${silence}`)}>
              now
            </a>{" "}
          </>
        )}
        {recurring.timeIntervals.map(intervalText).join("; ")}
      </td>
      <td data-before="by">{recurring.createdBy}</td>
      <td class="comment-cell">{recurring.comment}</td>
      <td class="actions-cell">
        <span class="actions">
          <button type="button" onClick={() => setAsks(true)}>
            Remove
          </button>
        </span>
        <Dialog open={asks} title="Remove this recurring silence?" onClose={() => setAsks(false)}>
          <p>It makes no more silences, and the one that holds now ends.</p>
          <RecurringMatchers text={recurring.matchers} />
          <p class="dialog-actions">
            <button type="button" onClick={() => setAsks(false)}>
              Keep it
            </button>
            <button type="button" class="primary" onClick={() => void remove()}>
              Remove
            </button>
          </p>
        </Dialog>
      </td>
    </tr>
  );
}

function RecurringMatchers({ text }: { text: string }): JSX.Element {
  const matchers = parseMatchers(text);
  if (matchers === undefined) return <code>{text}</code>;
  return (
    <span class="matcher-list">
      {matchers.map((matcher) => (
        <span key={JSON.stringify(matcher)} class="chip">
          <MatcherText matcher={matcher} />
        </span>
      ))}
    </span>
  );
}
