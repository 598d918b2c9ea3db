/** One silence, and the alerts that it covers. */
import type { JSX } from "preact";
import { formatTime } from "../format/time.ts";
import { settings } from "../shell/settings.ts";
import { useCell } from "../shell/signal.ts";
import { Ago, Badge, Notice, PageHead, waitingFor } from "../shell/widgets.tsx";
import { type Silence, useAlertmanager } from "./api.ts";
import { MatcherText } from "./filter-bar.tsx";
import { fromApi } from "./matchers.ts";
import { SilencePreview } from "./silence-preview.tsx";
import { SilenceActions } from "./silences-page.tsx";
import { TextWithLinks } from "./text-with-links.tsx";

export function SilenceView({ id }: { id: string }): JSX.Element | null {
  const asked = useAlertmanager<Silence>(`silence/${encodeURIComponent(id)}`, {}, 15_000);
  const { useLocalTime } = useCell(settings);
  const silence = asked.answer?.data;
  if (silence === undefined) {
    if (asked.error?.status === 404)
      return (
        <Notice kind="info" title="There is no such silence">
          <p>
            It may have ended long ago. <a href="#/silences">All silences</a>
          </p>
        </Notice>
      );
    return waitingFor(asked, "the silence");
  }
  const { status, startsAt, endsAt, updatedAt, createdBy, comment, annotations = {} } = silence;
  const matchers = silence.matchers.map(fromApi);
  const time = (text: string): JSX.Element => (
    <>
      {formatTime(Date.parse(text), useLocalTime)}{" "}
      <span class="muted">
        (<Ago time={text} planned />)
      </span>
    </>
  );
  return (
    <>
      <PageHead title="Silence">
        <SilenceActions silence={silence} onChanged={asked.reload} />
      </PageHead>
      <section class="card padded">
        <dl class="facts">
          <div>
            <dt>State</dt>
            <dd>
              <Badge tone={status.state === "active" ? "good" : status.state === "pending" ? "warn" : "quiet"}>
                {status.state}
              </Badge>
            </dd>
          </div>
          <div>
            <dt>Matchers</dt>
            <dd class="matcher-list">
              {matchers.map((matcher) => (
                <span key={JSON.stringify(matcher)} class="chip">
                  <MatcherText matcher={matcher} />
                </span>
              ))}
            </dd>
          </div>
          <div>
            <dt>Starts</dt>
            <dd>{time(startsAt)}</dd>
          </div>
          <div>
            <dt>Ends</dt>
            <dd>{time(endsAt)}</dd>
          </div>
          <div>
            <dt>Changed</dt>
            <dd>{time(updatedAt)}</dd>
          </div>
          <div>
            <dt>By</dt>
            <dd>{createdBy}</dd>
          </div>
          <div>
            <dt>Why</dt>
            <dd>
              <TextWithLinks text={comment} />
            </dd>
          </div>
          {Object.entries(annotations).map(([name, text]) => (
            <div key={name}>
              <dt>{name}</dt>
              <dd>
                <TextWithLinks text={text} />
              </dd>
            </div>
          ))}
          <div>
            <dt>Id</dt>
            <dd>
              <code>{silence.id}</code>
            </dd>
          </div>
        </dl>
      </section>
      {status.state !== "expired" && <SilencePreview matchers={matchers} />}
    </>
  );
}
