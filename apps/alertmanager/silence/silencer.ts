// Which silences mute an alert now. What fits an alert is remembered until silences are added or changed.
import type { Labels } from "@narthex/model";
import type { Clock } from "../clock.ts";
import { Moment } from "../moment/moment.ts";
import { type Silence, silenceState } from "./silence.ts";
import type { Silences } from "./silences.ts";

interface Known {
  readonly version: number;
  readonly ids: readonly string[];
}

const NONE: readonly string[] = [];

export class Silencer {
  readonly #silences: Silences;
  readonly #clock: Clock;
  /** Kept with the label set, and gone with it: an alert has the same one until it is reported again. */
  readonly #known = new WeakMap<Labels, Known>();

  constructor(silences: Silences, clock: Clock) {
    this.#silences = silences;
    this.#clock = clock;
  }

  /** Undefined for one that is not there any more. */
  silence(id: string): Silence | undefined {
    return this.#silences.get(id);
  }

  /** Ids of the active silences that fit. */
  silencedBy(labels: Labels, now: Moment = Moment.fromMs(this.#clock.now())): readonly string[] {
    const { version } = this.#silences;
    let known = this.#known.get(labels);
    if (known === undefined || known.version !== version) {
      known = { version, ids: this.#silences.fitting(labels) };
      this.#known.set(labels, known);
    }
    if (known.ids.length === 0) return NONE;
    return known.ids.filter((id) => {
      const silence = this.#silences.get(id);
      return silence !== undefined && silenceState(silence, now) === "active";
    });
  }
}
