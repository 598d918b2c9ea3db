/** What fills the database: head statistics and the names and labels with the most series. */
import type { JSX } from "preact";
import { useState } from "preact/hooks";
import type { NamedCount, TsdbData } from "../api/answers.ts";
import { useAnswer } from "../api/use-answer.ts";
import { formatBytes, groupDigits } from "../format/number.ts";
import { formatTime } from "../format/time.ts";
import { settings } from "../shell/settings.ts";
import { useCell } from "../shell/signal.ts";
import { PageHead, waitingFor } from "../shell/widgets.tsx";

/** Head times of an empty head: the largest and smallest 64-bit integers, which arrive rounded. */
const NO_TIME = 1e15;

/** The page. */
export function TsdbPage(): JSX.Element {
  const [limit, setLimit] = useState(10);
  const asked = useAnswer<TsdbData>("status/tsdb", { limit });
  const { useLocalTime } = useCell(settings);
  const data = asked.answer?.data;
  const time = (t: number): string =>
    Math.abs(t) > NO_TIME ? "No datapoints yet" : formatTime(t - (t % 1000), useLocalTime);
  return (
    <>
      <PageHead title="TSDB status">
        <select
          aria-label="Entries per list"
          value={String(limit)}
          onChange={(event) => setLimit(Number(event.currentTarget.value))}
        >
          {[10, 25, 100].map((count) => (
            <option key={count} value={String(count)}>
              Top {count}
            </option>
          ))}
        </select>
      </PageHead>
      {waitingFor(asked, "the statistics")}
      {data && (
        <>
          <dl class="figures">
            <Figure name="Series" value={groupDigits(data.headStats.numSeries)} />
            <Figure name="Chunks" value={groupDigits(data.headStats.chunkCount)} />
            {data.headStats.numLabelPairs !== undefined && (
              <Figure name="Label pairs" value={groupDigits(data.headStats.numLabelPairs)} />
            )}
            <Figure name="Oldest sample in memory" value={time(data.headStats.minTime)} />
            <Figure name="Newest sample" value={time(data.headStats.maxTime)} />
          </dl>
          <div class="columns">
            <TopList title="Metric names by series" unit="Series" entries={data.seriesCountByMetricName} />
            <TopList title="Label pairs by series" unit="Series" entries={data.seriesCountByLabelValuePair} />
            <TopList title="Label names by values" unit="Values" entries={data.labelValueCountByLabelName} />
            <TopList title="Label names by memory" unit="Bytes" entries={data.memoryInBytesByLabelName} bytes />
          </div>
        </>
      )}
    </>
  );
}

function Figure({ name, value }: { name: string; value: string }): JSX.Element {
  return (
    <div>
      <dt>{name}</dt>
      <dd>{value}</dd>
    </div>
  );
}

function TopList(props: { title: string; unit: string; entries: readonly NamedCount[]; bytes?: boolean }): JSX.Element {
  const largest = Math.max(1, ...props.entries.map(({ value }) => value));
  return (
    <section class="card">
      <div class="card-head">
        <h2>{props.title}</h2>
      </div>
      <table class="top-list">
        <thead class="visually-hidden">
          <tr>
            <th scope="col">Name</th>
            <th scope="col">{props.unit}</th>
          </tr>
        </thead>
        <tbody>
          {props.entries.map(({ name, value }) => (
            <tr key={name}>
              <td>
                <code>{name}</code>
                <span class="share" style={{ width: `${Math.max(0.5, (value / largest) * 100)}%` }} />
              </td>
              <td class="number">{props.bytes ? formatBytes(value) : groupDigits(value)}</td>
            </tr>
          ))}
          {props.entries.length === 0 && (
            <tr>
              <td class="muted" colSpan={2}>
                Nothing yet
              </td>
            </tr>
          )}
        </tbody>
      </table>
    </section>
  );
}
