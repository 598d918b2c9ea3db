/** All metrics with their type and help, to look around in and to take one from. */
import type { JSX } from "preact";
import { useEffect, useMemo, useState } from "preact/hooks";
import { ask } from "../api/client.ts";
import { asApiError } from "../api/use-answer.ts";
import { groupDigits } from "../format/number.ts";
import { Dialog } from "../shell/dialog.tsx";
import { Loading, Notice, SearchField, useGradually } from "../shell/widgets.tsx";
import { metricNames } from "./metric-list.ts";

type Metadata = Readonly<Record<string, readonly { readonly type: string; readonly help: string }[]>>;

interface Metric {
  readonly name: string;
  readonly type: string;
  readonly help: string;
}

/** The dialog; `onPick` gets the name that was chosen. */
export function MetricsDialog(props: {
  open: boolean;
  onClose: () => void;
  onPick: (name: string) => void;
}): JSX.Element {
  return (
    <Dialog open={props.open} title="Metrics" wide onClose={props.onClose}>
      <MetricList onPick={props.onPick} />
    </Dialog>
  );
}

function MetricList({ onPick }: { onPick: (name: string) => void }): JSX.Element {
  const [metrics, setMetrics] = useState<readonly Metric[] | null>(null);
  const [failure, setFailure] = useState("");
  const [search, setSearch] = useState("");
  useEffect(() => {
    let gone = false;
    Promise.all([metricNames(), ask<Metadata>("metadata").catch(() => null)]).then(
      ([names, metadata]) => !gone && setMetrics(names.map((name) => describe(name, metadata?.data ?? {}))),
      (error) => !gone && setFailure(asApiError(error).message),
    );
    return () => {
      gone = true;
    };
  }, []);
  const found = useMemo(() => {
    const words = search.toLowerCase().split(/\s+/).filter(Boolean);
    return (metrics ?? []).filter(({ name, help, type }) => {
      const text = `${name} ${help} ${type}`.toLowerCase();
      return words.every((word) => text.includes(word));
    });
  }, [metrics, search]);
  const { shown, sentinel } = useGradually(found, 100);
  if (failure)
    return (
      <Notice kind="error" title="Could not load the metrics">
        {failure}
      </Notice>
    );
  if (!metrics) return <Loading label="Loading metrics" />;
  return (
    <>
      <div class="dialog-tools">
        <SearchField label="Filter by name, help or type" value={search} onChange={setSearch} />
        <span class="note">
          {groupDigits(found.length)} of {groupDigits(metrics.length)}
        </span>
      </div>
      <div class="metrics">
        <table>
          <thead>
            <tr>
              <th scope="col">Metric</th>
              <th scope="col">Type</th>
              <th scope="col" class="wide-only">
                Help
              </th>
            </tr>
          </thead>
          <tbody>
            {shown.map(({ name, type, help }) => (
              <tr key={name}>
                <td>
                  <button type="button" class="link" onClick={() => onPick(name)} title="Insert into the expression">
                    <code>{name}</code>
                  </button>
                </td>
                <td class="muted">{type}</td>
                <td class="wide-only help-text">{help}</td>
              </tr>
            ))}
          </tbody>
        </table>
        {sentinel}
        {found.length === 0 && (
          <p class="note">
            {metrics.length === 0 ? "No metric has been scraped yet." : "No metric matches the filter."}
          </p>
        )}
      </div>
    </>
  );
}

/** Metadata stands under a family's name; the series of histograms and summaries carry suffixes. */
function describe(name: string, metadata: Metadata): Metric {
  const entry = metadata[name]?.[0] ?? metadata[name.replace(/_(?:bucket|count|sum|total|created)$/, "")]?.[0];
  return { name, type: entry?.type ?? "", help: entry?.help ?? "" };
}
