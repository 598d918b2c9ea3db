// What stands below `/debug/pprof/`: the profiles that exist here, under the names that tools know.
import type { CallTree } from "./call-tree.ts";
import { encodePprof } from "./pprof.ts";
import { sampleCpu, sampleHeap } from "./samplers.ts";

/** Longer ones are refused. */
const MAX_SECONDS = 300;
const CPU_SECONDS = 30;
const HEAP_SECONDS = 10;

interface Kind {
  readonly help: string;
  readonly seconds: number;
  readonly sample: (ms: number, signal: AbortSignal) => Promise<CallTree>;
}

const KINDS: ReadonlyMap<string, Kind> = new Map([
  ["profile", { help: "where the main thread's processor time goes", seconds: CPU_SECONDS, sample: sampleCpu }],
  [
    "heap",
    {
      help: "who allocates memory that stays in use",
      seconds: HEAP_SECONDS,
      sample: (ms, signal) => sampleHeap(ms, true, signal),
    },
  ],
  [
    "allocs",
    {
      help: "who allocates memory at all",
      seconds: HEAP_SECONDS,
      sample: (ms, signal) => sampleHeap(ms, false, signal),
    },
  ],
]);

export interface ProfileAnswer {
  readonly status: number;
  readonly contentType: string;
  readonly body: string | Uint8Array;
  /** Name for the file that a browser makes of it. */
  readonly fileName?: string;
}

/** Profiles of this process, one at a time: a second one would see the first. */
export class ProfilePages {
  #isBusy = false;

  /** `name` is what follows `/debug/pprof/`. Takes as many seconds as `seconds` of the query says, fewer when `signal` aborts. */
  async answer(name: string, query: URLSearchParams, signal: AbortSignal): Promise<ProfileAnswer> {
    if (name === "") return index();
    const kind = KINDS.get(name);
    if (kind === undefined) return text(404, `Unknown profile: there are ${[...KINDS.keys()].join(", ")}`);
    const seconds = query.get("seconds") === null ? kind.seconds : Number(query.get("seconds"));
    if (!(seconds > 0 && seconds <= MAX_SECONDS))
      return text(400, `seconds must be a number above 0 and at most ${MAX_SECONDS}`);
    if (this.#isBusy) return text(409, "Another profile is being taken: try again when it is done");
    this.#isBusy = true;
    try {
      const body = encodePprof(await kind.sample(seconds * 1000, signal));
      return { status: 200, contentType: "application/octet-stream", body, fileName: `${name}.pb.gz` };
    } finally {
      this.#isBusy = false;
    }
  }
}

function text(status: number, body: string): ProfileAnswer {
  return { status, contentType: "text/plain; charset=utf-8", body: `${body}\n` };
}

function index(): ProfileAnswer {
  const items = [...KINDS].map(
    ([name, { help, seconds }]) =>
      `<li><a href="${name}?seconds=${seconds}">${name}</a>: ${help}, for ${seconds} seconds</li>`,
  );
  const body = `<!doctype html><html lang="en"><meta charset="utf-8"><title>Profiles</title><h1>Profiles</h1><ul>${items.join("")}</ul><p>For <code>go tool pprof</code> and whatever else reads its format.</p></html>\n`;
  return { status: 200, contentType: "text/html; charset=utf-8", body };
}
