// What the engine is told by flags and configuration, as plain data that also crosses over to workers.
import { Engine } from "@narthex/promql";

export interface EngineSettings extends FeatureSwitches {
  readonly lookbackDeltaMs: number;
  readonly maxSamples: number;
  readonly timeoutMs: number;
  /** The global evaluation interval: resolution of subqueries that name none. */
  readonly defaultSubqueryStepMs: number;
}

/** Parts of the language and the engine that features switch on. */
export interface FeatureSwitches {
  readonly experimentalFunctions: boolean;
  readonly extendedRangeSelectors: boolean;
  readonly fillModifiers: boolean;
  readonly perStepStats: boolean;
  readonly delayedNameRemoval: boolean;
  readonly typeAndUnitLabels: boolean;
  readonly useStartTimestamps: boolean;
}

export function engineFrom(settings: EngineSettings): Engine {
  return new Engine({
    ...settings,
    defaultSubqueryStepMs: () => settings.defaultSubqueryStepMs,
  });
}
