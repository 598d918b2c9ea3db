/** Which keys do what. */
import type { JSX } from "preact";
import { Dialog } from "../shell/dialog.tsx";
import type { Place } from "./shell.tsx";

const KEYS: readonly (readonly [string, string])[] = [
  ["?", "This help"],
  ["/", "To the filter"],
  ["n", "New silence"],
  ["↓ ↑ or j k", "Next, previous alert (from the filter, too: ↓)"],
  ["Enter", "What is known of the alert"],
  ["s", "Silence the alert"],
  ["Esc", "Close a dialog"],
];

export function HelpDialog(props: { open: boolean; places: readonly Place[]; onClose: () => void }): JSX.Element {
  return (
    <Dialog open={props.open} title="Keyboard" onClose={props.onClose}>
      <div class="help">
        <section>
          <dl>
            {KEYS.map(([keys, text]) => (
              <div key={keys}>
                <dt>
                  <kbd>{keys}</kbd>
                </dt>
                <dd>{text}</dd>
              </div>
            ))}
            {props.places.map(({ path, key, title }) => (
              <div key={path}>
                <dt>
                  <kbd>g</kbd> <kbd>{key}</kbd>
                </dt>
                <dd>{title}</dd>
              </div>
            ))}
          </dl>
        </section>
      </div>
    </Dialog>
  );
}
