// Runs the reference's own server on the same fake APIs as ours: what both discover must agree label by label.
//
// `prometheus` is looked for where `tests/end-to-end` looks for the reference's tools.
import { type ChildProcess, spawn } from "node:child_process";
import { existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { homedir, tmpdir } from "node:os";
import { join } from "node:path";
import { freePort } from "@narthex/toolkit/testing";

const binary = join(process.env["PEERS_DIR"] ?? join(homedir(), ".cache/monitoring-peers"), "root/usr/bin/prometheus");

/** Why there can be no comparison; undefined when there can. */
export const noReference: string | undefined = existsSync(binary)
  ? undefined
  : "the reference's prometheus is not installed here (PEERS_DIR)";

/** Labels that every job adds, whatever discovered its targets. */
const OF_THE_JOB = /^(__metrics_path__|__scheme__|__scrape_interval__|__scrape_timeout__|job)$/;

/** A running server of the reference. */
export class ReferenceServer {
  readonly #process: ChildProcess;
  readonly #folder: string;
  readonly #url: string;
  #log = "";

  private constructor(process: ChildProcess, folder: string, url: string) {
    this.#process = process;
    this.#folder = folder;
    this.#url = url;
    process.stderr?.on("data", (text: Buffer) => (this.#log += text.toString()));
  }

  /** Starts one with this configuration, whose jobs should drop all targets, so that nothing is scraped. */
  static async start(config: string, environment: Readonly<Record<string, string>>): Promise<ReferenceServer> {
    const folder = mkdtempSync(join(tmpdir(), "narthex-reference-"));
    writeFileSync(join(folder, "prometheus.yml"), config);
    const port = await freePort();
    const args = [
      `--config.file=${join(folder, "prometheus.yml")}`,
      `--storage.tsdb.path=${join(folder, "data")}`,
      `--web.listen-address=127.0.0.1:${port}`,
    ];
    const child = spawn(binary, args, {
      stdio: ["ignore", "ignore", "pipe"],
      env: { PATH: "/nowhere", ...environment },
    });
    return new ReferenceServer(child, folder, `http://127.0.0.1:${port}`);
  }

  /** The discovered labels of a job's targets, once there are as many as wanted; what there is after 20 seconds otherwise. */
  async discovered(job: string, wanted: number): Promise<Record<string, string>[]> {
    const end = performance.now() + 20_000;
    for (;;) {
      const found = (await this.#dropped()).filter((labels) => labels["job"] === job).map(ownLabels);
      if (found.length === wanted || performance.now() > end) return found;
      await new Promise((resolve) => setTimeout(resolve, 200));
    }
  }

  get log(): string {
    return this.#log;
  }

  async stop(): Promise<void> {
    const ended = new Promise((resolve) => this.#process.once("exit", resolve));
    this.#process.kill("SIGKILL");
    await ended;
    rmSync(this.#folder, { recursive: true, force: true });
  }

  async #dropped(): Promise<Record<string, string>[]> {
    try {
      const response = await fetch(`${this.#url}/api/v1/targets?state=dropped`);
      const { data } = (await response.json()) as {
        data: { droppedTargets: { discoveredLabels: Record<string, string> }[] };
      };
      return data.droppedTargets.map(({ discoveredLabels }) => discoveredLabels);
    } catch {
      return [];
    }
  }
}

function ownLabels(labels: Record<string, string>): Record<string, string> {
  return Object.fromEntries(Object.entries(labels).filter(([name]) => !OF_THE_JOB.test(name)));
}
