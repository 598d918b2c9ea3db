/** What was sent to whom, why, and what came back. */
import type { JSX } from "preact";
import { formatPair } from "../format/labels.ts";
import { Ago, Badge, Choice, Notice, PageHead, SearchField, useGradually, waitingFor } from "../shell/widgets.tsx";
import { type NotificationRecord, useAlertmanager } from "./api.ts";
import { hashHref, useHashSearch } from "./hash-router.ts";
import { exactly, formatMatchers } from "./matchers.ts";

const TONES = { sent: "good", failed: "bad", pending: "warn" } as const;
const NONE: readonly NotificationRecord[] = [];

export function NotificationsPage(): JSX.Element {
  const [search, setSearch] = useHashSearch();
  const outcome = search.get("outcome") ?? "";
  const receiver = search.get("receiver") ?? "";
  const words = search.get("search") ?? "";
  const asked = useAlertmanager<readonly NotificationRecord[]>(
    "narthex/notifications",
    { limit: 1000, outcome: outcome || undefined, receiver: receiver || undefined },
    5000,
  );
  const records = (asked.answer?.data ?? NONE).filter((record) => contains(record, words));
  const { shown, sentinel } = useGradually(asked.answer?.data === undefined ? NONE : records, 100);
  return (
    <>
      <PageHead title="Notifications" note="The latest thousand, newest first; kept in memory only.">
        <Choice
          label="Outcome"
          value={outcome}
          options={[
            ["", "All"],
            ["sent", "Sent"],
            ["failed", "Failed"],
            ["pending", "Pending"],
          ]}
          onChange={(value) => setSearch({ outcome: value })}
        />
        <SearchField
          label="Filter by receiver, group or error"
          value={words}
          onChange={(value) => setSearch({ search: value })}
        />
      </PageHead>
      {asked.error?.status === 404 ? (
        <Notice kind="info" title="This Alertmanager keeps no record of its notifications" />
      ) : (
        waitingFor(asked, "the notifications")
      )}
      {asked.answer && records.length === 0 && (
        <Notice kind="empty" title="Nothing was sent yet that passes the filter" />
      )}
      {records.length > 0 && (
        <section class="card" aria-label="Notifications">
          <table class="notifications stacked-rows">
            <thead>
              <tr>
                <th scope="col">When</th>
                <th scope="col">Outcome</th>
                <th scope="col">Receiver</th>
                <th scope="col">Group</th>
                <th scope="col">Alerts</th>
                <th scope="col">Why</th>
                <th scope="col">Answer</th>
              </tr>
            </thead>
            <tbody>
              {shown.map((record) => (
                <tr key={record.id}>
                  <td class="time-cell">
                    <Ago time={record.startedAt} />
                  </td>
                  <td>
                    <Badge tone={TONES[record.outcome]}>{record.outcome}</Badge>
                  </td>
                  <td>
                    {record.receiver} <span class="muted">{record.integration}</span>
                  </td>
                  <td>
                    <a
                      href={hashHref("alerts", {
                        filter: formatMatchers(exactly(record.groupLabels)),
                        silenced: "true",
                      })}
                    >
                      {Object.entries(record.groupLabels)
                        .map(([name, value]) => formatPair(name, value))
                        .join(", ") || "all alerts"}
                    </a>
                  </td>
                  <td class="time-cell">
                    {record.firing > 0 && `${record.firing} firing`}
                    {record.firing > 0 && record.resolved > 0 && ", "}
                    {record.resolved > 0 && `${record.resolved} resolved`}
                  </td>
                  <td>{record.reason}</td>
                  <td class="comment-cell">
                    {answerText(record)}
                    {record.attempts > 1 && <span class="muted"> after {record.attempts} attempts</span>}
                  </td>
                </tr>
              ))}
            </tbody>
          </table>
          {sentinel}
        </section>
      )}
    </>
  );
}

function answerText({ answer, error, failures }: NotificationRecord): string {
  if (error !== undefined) return error;
  if (answer !== undefined)
    return [answer.status > 0 ? String(answer.status) : "", answer.text].filter(Boolean).join(" ");
  return failures.at(-1)?.error ?? "";
}

function contains(record: NotificationRecord, words: string): boolean {
  if (words.trim() === "") return true;
  const text =
    `${record.receiver} ${record.integration} ${record.groupKey} ${record.reason} ${answerText(record)}`.toLowerCase();
  return words
    .toLowerCase()
    .split(/\s+/)
    .every((word) => text.includes(word));
}
