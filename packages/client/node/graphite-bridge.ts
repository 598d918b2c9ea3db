// Pushing to Graphite, for those whose dashboards live there. Source: Graphite's plaintext protocol; names as client_python makes them.
import { connect } from "node:net";
import type { FamilyHeader, FamilyWriter } from "../format/family-writer.ts";
import { parseLabels } from "../format/names.ts";
import { formatValue } from "../format/number-format.ts";
import { type Registry, register } from "../registry.ts";

/** Where Graphite is, and how series are named there. */
export interface GraphiteOptions {
  readonly host: string;
  /** 2003 unless given. */
  readonly port?: number;
  readonly registry?: Registry;
  /** Put before every name, with a dot. */
  readonly prefix?: string;
  /** Labels become tags (`name;a=b`) instead of parts of the path (`name.a.b`). */
  readonly tags?: boolean;
  /** 30 unless given. */
  readonly timeoutSeconds?: number;
  /** Milliseconds since the epoch; for tests. */
  readonly now?: () => number;
}

/** Sends everything, once or at an interval. */
export class GraphiteBridge {
  readonly #options: GraphiteOptions;

  constructor(options: GraphiteOptions) {
    this.#options = options;
  }

  /** Rejects when a collector fails, or when Graphite cannot be reached in time. */
  async push(): Promise<void> {
    const { host, port = 2003, registry = register, timeoutSeconds = 30, now = Date.now } = this.#options;
    const writer = new GraphiteWriter(this.#options, Math.round(now() / 1000));
    await registry.collectInto(writer);
    await new Promise<void>((resolve, reject) => {
      const socket = connect(port, host);
      socket.setTimeout(timeoutSeconds * 1000, () => socket.destroy(new Error("Graphite did not answer in time")));
      socket.on("error", reject);
      socket.on("close", () => resolve());
      // What it may say does not matter, but must be read for the end to come.
      socket.resume();
      socket.end(writer.text);
    });
  }

  /** Pushes now and then every so often. Failures are told to `onError`; a push that is still under way is waited for. Returns its end. */
  start(intervalSeconds: number, onError: (error: unknown) => void = () => undefined): () => void {
    let timer: ReturnType<typeof setTimeout> | undefined;
    let ended = false;
    const next = async (): Promise<void> => {
      await this.push().catch(onError);
      if (ended) return;
      timer = setTimeout(next, intervalSeconds * 1000);
      timer.unref();
    };
    void next();
    return () => {
      ended = true;
      clearTimeout(timer);
    };
  }
}

/** Lines of Graphite's protocol. */
class GraphiteWriter implements FamilyWriter {
  text = "";
  readonly #prefix: string;
  readonly #tags: boolean;
  readonly #seconds: number;
  #name = "";

  constructor(options: GraphiteOptions, seconds: number) {
    this.#prefix = options.prefix === undefined || options.prefix === "" ? "" : `${options.prefix}.`;
    this.#tags = options.tags ?? false;
    this.#seconds = seconds;
  }

  family(header: FamilyHeader): void {
    this.#name = header.name;
  }

  value(labels: string, value: number): void {
    this.#line("", labels, [], value);
  }

  histogram(labels: string, bounds: readonly number[], cumulative: ArrayLike<number>, sum: number): void {
    for (let i = 0; i <= bounds.length; i++) {
      const bound = i < bounds.length ? formatValue(bounds[i] as number) : "+Inf";
      this.#line("_bucket", labels, ["le", bound], cumulative[i] as number);
    }
    this.#line("_sum", labels, [], sum);
    this.#line("_count", labels, [], cumulative[bounds.length] as number);
  }

  summary(labels: string, quantiles: readonly number[], values: ArrayLike<number>, sum: number, count: number): void {
    for (const [i, quantile] of quantiles.entries()) {
      this.#line("", labels, ["quantile", formatValue(quantile)], values[i] as number);
    }
    this.#line("_sum", labels, [], sum);
    this.#line("_count", labels, [], count);
  }

  #line(suffix: string, labels: string, more: readonly string[], value: number): void {
    // Graphite has no word for what is no number.
    if (!Number.isFinite(value)) return;
    const pairs = [...parseLabels(labels), ...more];
    let path = this.#prefix + clean(this.#name + suffix);
    for (let i = 0; i < pairs.length; i += 2) {
      const name = clean(pairs[i] as string);
      const text = clean(pairs[i + 1] as string);
      path += this.#tags ? `;${name}=${text}` : `.${name}.${text}`;
    }
    this.text += `${path} ${formatValue(value)} ${this.#seconds}\n`;
  }
}

function clean(text: string): string {
  return text.replace(/[^a-zA-Z0-9_-]/g, "_");
}
