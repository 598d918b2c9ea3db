// The facts, and the service that gives one away.
import type { MonitoringMetric, MonitoringProvider } from "./monitoring.ts";

const FACTS: readonly string[] = [
  "A group of cats is called a clowder.",
  "Cats sleep for thirteen to sixteen hours a day.",
  "A cat's nose print is as unique as a fingerprint.",
  "Cats cannot taste what is sweet.",
  "A cat can rotate each of its ears by 180 degrees.",
  "The first cat in space was called Félicette.",
  "Cats have 32 muscles in each outer ear.",
  "A house cat runs at up to 48 kilometres an hour.",
];

/** Gives facts, and counts how often it did. */
export class RandomFactsService implements MonitoringProvider {
  readonly #random: () => number;
  #calls = 0;

  /** `random` gives numbers from 0 to 1, 1 left out. */
  constructor(random: () => number = Math.random) {
    this.#random = random;
  }

  randomFact(): string {
    this.#calls++;
    return FACTS[Math.floor(this.#random() * FACTS.length)] as string;
  }

  collectMonitoringMetrics(): readonly MonitoringMetric[] {
    return [
      {
        name: "random_facts_api_execution_counter",
        description: "Counts the executions of the random facts API.",
        labels: { service: "RandomFactsService" },
        type: "counter",
        value: this.#calls,
      },
    ];
  }
}
