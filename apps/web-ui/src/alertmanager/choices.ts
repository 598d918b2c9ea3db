/** What this browser remembers of this page besides theme and zone; never sent anywhere. */
import { recall, store } from "../shell/settings.ts";
import { type Cell, cell } from "../shell/signal.ts";

export interface Choices {
  /** Who silences and acknowledges. */
  readonly author: string;
  /** How alerts are grouped unless the address says otherwise. */
  readonly grouping: string;
  /** How long a silence lasts unless told otherwise. */
  readonly duration: string;
}

const DEFAULTS: Choices = { author: "", grouping: "route", duration: "2h" };
const KEY = "narthex.alertmanager";

export const choices: Cell<Choices> = cell({ ...DEFAULTS, ...recall<Partial<Choices>>(KEY, {}) });

export function choose(change: Partial<Choices>): void {
  choices.set({ ...choices.get(), ...change });
  store(KEY, choices.get());
}
