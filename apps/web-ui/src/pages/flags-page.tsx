/** The flags the server was started with, defaults included. */
import type { JSX } from "preact";
import { useState } from "preact/hooks";
import { useAnswer } from "../api/use-answer.ts";
import { PageHead, SearchField, waitingFor } from "../shell/widgets.tsx";

/** The page. */
export function FlagsPage(): JSX.Element {
  const asked = useAnswer<Readonly<Record<string, string>>>("status/flags");
  const [search, setSearch] = useState("");
  const [descending, setDescending] = useState(false);
  const [column, setColumn] = useState<0 | 1>(0);
  const words = search.toLowerCase().split(/\s+/).filter(Boolean);
  const rows = Object.entries(asked.answer?.data ?? {})
    .filter(([name, value]) => words.every((word) => `--${name}=${value}`.toLowerCase().includes(word)))
    .sort((a, b) => (a[column] < b[column] ? -1 : a[column] > b[column] ? 1 : 0) * (descending ? -1 : 1));
  const sort = (wanted: 0 | 1): void => {
    setDescending(column === wanted && !descending);
    setColumn(wanted);
  };
  return (
    <>
      <PageHead title="Flags" note="What the server was started with, defaults included.">
        <SearchField label="Filter by flag or value" value={search} onChange={setSearch} />
      </PageHead>
      {waitingFor(asked, "the flags")}
      {asked.answer && (
        <div class="card scroll">
          <table class="flags">
            <thead>
              <tr>
                {(["Flag", "Value"] as const).map((title, i) => (
                  <th
                    key={title}
                    scope="col"
                    aria-sort={column === i ? (descending ? "descending" : "ascending") : "none"}
                  >
                    <button type="button" class="sort" onClick={() => sort(i as 0 | 1)}>
                      {title}
                      {column === i && (descending ? " ↓" : " ↑")}
                    </button>
                  </th>
                ))}
              </tr>
            </thead>
            <tbody>
              {rows.map(([name, value]) => (
                <tr key={name}>
                  <td>
                    <code>--{name}</code>
                  </td>
                  <td>{value === "" ? <span class="muted">empty</span> : <code>{value}</code>}</td>
                </tr>
              ))}
            </tbody>
          </table>
          {rows.length === 0 && <p class="note padded">No flag matches the filter.</p>}
        </div>
      )}
    </>
  );
}
