/** The dialogs that every page offers: help and settings. */
import type { JSX } from "preact";
import { Dialog } from "./dialog.tsx";
import { PAGES } from "./pages.ts";
import { clearQueryHistory } from "./query-history.ts";
import { changeSetting, type Settings, settings } from "./settings.ts";
import { useCell } from "./signal.ts";
import { chooseTheme, type ThemeChoice, themeChoice } from "./theme.ts";
import { toast } from "./toasts.tsx";
import { Choice } from "./widgets.tsx";

const SHORTCUTS: readonly (readonly [string, readonly (readonly [string, string])[]])[] = [
  [
    "Anywhere",
    [
      ["?", "This help"],
      ["/", "To the search field or the expression"],
      ["Tab", "To the next control"],
      ["Esc", "Close a dialog, leave an editor"],
    ],
  ],
  [
    "Expression",
    [
      ["Enter", "Run"],
      ["Shift Enter", "New line"],
      ["Ctrl Space", "Complete"],
      ["Esc, then Tab", "Leave the editor"],
    ],
  ],
  [
    "Graph (with the focus on it)",
    [
      ["← →", "Move through time"],
      ["↑ ↓", "Next or previous series"],
      ["Shift ← →", "Pan"],
      ["+ −", "Zoom"],
    ],
  ],
  [
    "Graph with the mouse",
    [
      ["Drag", "Zoom to the selection"],
      ["Shift drag", "Pan (on touch: swipe sideways)"],
      ["Double click", "Zoom out"],
      ["Click a legend row", "Only this series"],
      ["Ctrl click a legend row", "Hide or show this series"],
    ],
  ],
];

/** Keyboard shortcuts and where to read on. */
export function HelpDialog({ open, onClose }: { open: boolean; onClose: () => void }): JSX.Element {
  return (
    <Dialog open={open} title="Keyboard and mouse" wide onClose={onClose}>
      <div class="help">
        {SHORTCUTS.map(([title, rows]) => (
          <section key={title}>
            <h3>{title}</h3>
            <dl>
              {rows.map(([keys, text]) => (
                <div key={keys}>
                  <dt>
                    <kbd>{keys}</kbd>
                  </dt>
                  <dd>{text}</dd>
                </div>
              ))}
            </dl>
          </section>
        ))}
        <section>
          <h3>Go to a page</h3>
          <dl>
            {PAGES.map((page) => (
              <div key={page.route}>
                <dt>
                  <kbd>g</kbd> <kbd>{page.key}</kbd>
                </dt>
                <dd>{page.title}</dd>
              </div>
            ))}
          </dl>
        </section>
      </div>
    </Dialog>
  );
}

const SETTINGS: readonly (readonly [keyof Settings, string, string])[] = [
  ["useLocalTime", "Local time", "Show and read times in this computer's zone instead of UTC"],
  ["enableAutocomplete", "Complete while typing", "Metric names, labels, functions"],
  ["enableQueryHistory", "Complete from history", "Offer queries that were run in this browser"],
  ["enableLinter", "Check while typing", "Underline what cannot work before it is run"],
  ["enableSyntaxHighlighting", "Colour the syntax", "Of expressions in the editor"],
  ["showQueryWarnings", "Show warnings", "That the server sends with a result"],
  ["showQueryInfoNotices", "Show notices", "Such as a rate() over something that is no counter"],
];

/** What a user may prefer; every change works at once. */
export function SettingsDialog({ open, onClose }: { open: boolean; onClose: () => void }): JSX.Element {
  const current = useCell(settings);
  const theme = useCell(themeChoice);
  return (
    <Dialog open={open} title="Settings" onClose={onClose}>
      <div class="settings">
        <div class="setting">
          <span>
            Theme<small>Automatic follows the browser</small>
          </span>
          <Choice<ThemeChoice>
            label="Theme"
            value={theme}
            options={[
              ["light", "Light"],
              ["dark", "Dark"],
              ["auto", "Automatic"],
            ]}
            onChange={chooseTheme}
          />
        </div>
        {SETTINGS.map(([name, title, note]) => (
          <label key={name} class="setting">
            <span>
              {title}
              <small>{note}</small>
            </span>
            <input
              type="checkbox"
              class="switch"
              checked={current[name]}
              onChange={(event) => changeSetting(name, event.currentTarget.checked)}
            />
          </label>
        ))}
        <p class="note">
          Kept in this browser only.{" "}
          <button
            type="button"
            class="link"
            onClick={() => {
              clearQueryHistory();
              toast("Query history cleared");
            }}
          >
            Clear the query history
          </button>
        </p>
      </div>
    </Dialog>
  );
}
