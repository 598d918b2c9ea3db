// Labels of routes, whose values may be templates that refer to one another.

/** Renders each label once, whatever asks for it. */
export class RouteLabelResolver {
  readonly #labels: ReadonlyMap<string, string>;
  readonly #expand: (source: string) => string;
  readonly #rendered = new Map<string, string>();
  readonly #open: string[] = [];

  constructor(labels: ReadonlyMap<string, string>, expand: (source: string) => string) {
    this.#labels = labels;
    this.#expand = expand;
  }

  /** "" for a label that is not there. Throws when labels refer to one another in a circle, naming it. */
  resolve(name: string): string {
    const source = this.#labels.get(name);
    if (source === undefined) return "";
    const known = this.#rendered.get(name);
    if (known !== undefined) return known;
    if (this.#open.includes(name)) throw new Error(`route label cycle detected: ${[...this.#open, name].join(" -> ")}`);
    this.#open.push(name);
    try {
      const rendered = this.#expand(source);
      this.#rendered.set(name, rendered);
      return rendered;
    } finally {
      this.#open.pop();
    }
  }
}
