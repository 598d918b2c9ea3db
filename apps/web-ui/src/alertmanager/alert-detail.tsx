/** All that is known of one alert: labels, annotations, and why somebody is told of it or not. */
import type { JSX } from "preact";
import { useState } from "preact/hooks";
import { humanSpan } from "../format/duration.ts";
import { formatPair } from "../format/labels.ts";
import { Dialog } from "../shell/dialog.tsx";
import { Icon } from "../shell/icons.tsx";
import { useCell } from "../shell/signal.ts";
import { toast } from "../shell/toasts.tsx";
import { Ago, ApiNotice, Badge, Loading } from "../shell/widgets.tsx";
import { stateWord } from "./alert-rows.ts";
import { type Alert, changeAlertmanager, useAlertmanager, type Why } from "./api.ts";
import { choices, choose } from "./choices.ts";
import { hashHref } from "./hash-router.ts";
import { exactly, formatMatchers } from "./matchers.ts";
import { TextWithLinks } from "./text-with-links.tsx";

const TONES = { active: "bad", silenced: "quiet", inhibited: "quiet", muted: "quiet", unprocessed: "warn" } as const;

export function AlertDetail(props: {
  alert: Alert | undefined;
  onFilter: (name: string, value: string) => void;
  onChanged: () => void;
  onClose: () => void;
}): JSX.Element {
  const { alert } = props;
  return (
    <Dialog open={alert !== undefined} title={alert?.labels["alertname"] ?? "Alert"} wide onClose={props.onClose}>
      {alert && <Detail {...props} alert={alert} />}
    </Dialog>
  );
}

function Detail(props: {
  alert: Alert;
  onFilter: (name: string, value: string) => void;
  onChanged: () => void;
}): JSX.Element {
  const { alert } = props;
  const why = useAlertmanager<Why>(`narthex/alerts/${alert.fingerprint}/why`, {}, 5000);
  const state = stateWord(alert);
  const source = safeLink(alert.generatorURL);
  return (
    <div class="alert-detail">
      <p class="detail-line">
        <Badge tone={TONES[state]}>{state}</Badge>
        <span>
          since <Ago time={alert.startsAt} />, last heard of <Ago time={alert.updatedAt} />
        </span>
        <a class="button" href={hashHref("silences/new", { filter: formatMatchers(exactly(alert.labels)) })}>
          <Icon name="silence" />
          Silence
        </a>
        {source && (
          <a class="button" href={source} target="_blank" rel="noreferrer">
            <Icon name="external" />
            Source
          </a>
        )}
      </p>
      <div class="labels">
        {exactly(alert.labels).map(({ name, value }) => (
          <button
            key={name}
            type="button"
            class="chip filter-chip"
            title={`Show only ${formatPair(name, value)}`}
            onClick={() => props.onFilter(name, value)}
          >
            <i>{name}</i>
            {value === "" ? '""' : value}
          </button>
        ))}
      </div>
      {Object.keys(alert.annotations).length > 0 && (
        <dl class="facts">
          {Object.entries(alert.annotations).map(([name, text]) => (
            <div key={name}>
              <dt>{name}</dt>
              <dd>
                <TextWithLinks text={text} />
              </dd>
            </div>
          ))}
        </dl>
      )}
      <h3>Why am I (not) notified?</h3>
      {why.answer ? (
        <WhyText why={why.answer.data} />
      ) : why.error?.status === 404 ? (
        <p class="muted">This Alertmanager does not say.</p>
      ) : why.error ? (
        <ApiNotice error={why.error} what="the reasons" retry={why.reload} />
      ) : (
        <Loading />
      )}
      {why.answer && state !== "silenced" && (
        <Acknowledge
          fingerprint={alert.fingerprint}
          onDone={() => {
            why.reload();
            props.onChanged();
          }}
        />
      )}
    </div>
  );
}

function WhyText({ why }: { why: Why }): JSX.Element {
  return (
    <div class="why">
      {why.inhibition && (
        <p>
          Inhibited{why.inhibition.ruleName ? ` by the rule ${why.inhibition.ruleName}` : ""}:{" "}
          <a href={hashHref("alerts", { alert: why.inhibition.source, inhibited: "true", silenced: "true" })}>
            {why.inhibition.sourceLabels?.["alertname"] ?? why.inhibition.source}
          </a>{" "}
          fires.
        </p>
      )}
      {why.silences.map(({ id, createdBy, comment, endsAt }) => (
        <p key={id}>
          <a href={hashHref(`silences/${id}`)}>Silenced</a> by {createdBy || "somebody"}, ends{" "}
          <Ago time={endsAt} planned />: {comment}
        </p>
      ))}
      {why.routes.map((route) => (
        <section key={`${route.receiver} ${route.path.join("/")}`} class="why-route">
          <p>
            <Badge tone={route.obstacle === undefined ? "good" : "quiet"}>{route.receiver}</Badge>{" "}
            <b>{route.obstacle === undefined ? "is told" : `is not told: ${route.explanation}`}</b>
            {route.mutedByIntervals.length > 0 && ` (${route.mutedByIntervals.join(", ")})`}
          </p>
          <p class="muted route-path">{route.path.join(" › ")}</p>
          {route.nextFlush !== undefined && (
            <p>
              Its group ({route.groupSize === 1 ? "this alert alone" : `${route.groupSize} alerts`}) is looked at again{" "}
              <Ago time={route.nextFlush} planned />; what has not changed is told again every{" "}
              {humanSpan(route.repeatIntervalSeconds * 1000)}.
            </p>
          )}
          {(route.integrations ?? []).map(({ integration, lastNotified, repeatsAfter, lastRecord }) => (
            <p key={integration}>
              <code>{integration}</code>{" "}
              {lastNotified === undefined ? (
                "was not told yet"
              ) : (
                <>
                  was told <Ago time={lastNotified} />, again <Ago time={repeatsAfter} planned />
                </>
              )}
              {lastRecord?.outcome === "failed" && (
                <span class="field-error">
                  {" "}
                  The last attempt failed: {lastRecord.error ?? lastRecord.failures.at(-1)?.error}
                </span>
              )}
            </p>
          ))}
        </section>
      ))}
      {why.routes.length === 0 && <p>No route takes it.</p>}
    </div>
  );
}

/** A silence for exactly this alert, which ends by itself. */
function Acknowledge({ fingerprint, onDone }: { fingerprint: string; onDone: () => void }): JSX.Element {
  const { author } = useCell(choices);
  const [note, setNote] = useState("");
  const [name, setName] = useState(author);
  const [isSending, setSending] = useState(false);
  const send = async (): Promise<void> => {
    setSending(true);
    try {
      choose({ author: name });
      await changeAlertmanager("POST", `narthex/alerts/${fingerprint}/acknowledge`, { by: name, note });
      toast("Acknowledged for four hours");
      onDone();
    } catch (error) {
      toast((error as Error).message, "error");
    }
    setSending(false);
  };
  return (
    <form
      class="acknowledge"
      onSubmit={(event) => {
        event.preventDefault();
        void send();
      }}
    >
      <label>
        <span>Your name</span>
        <input
          type="text"
          required
          value={name}
          autocomplete="name"
          onInput={(event) => setName(event.currentTarget.value)}
        />
      </label>
      <label class="wide">
        <span>Note</span>
        <input type="text" required value={note} onInput={(event) => setNote(event.currentTarget.value)} />
      </label>
      <button type="submit" disabled={isSending || name.trim() === "" || note.trim() === ""}>
        <Icon name="check" />
        Acknowledge for 4 h
      </button>
    </form>
  );
}

/** Only addresses of the web: others could run scripts. */
function safeLink(text: string | undefined): string | undefined {
  return text !== undefined && /^https?:\/\//i.test(text) ? text : undefined;
}
