// What the main thread and a query worker say to one another.
import type { DbShare, ReadTicket } from "@narthex/tsdb";
import type { FetchedSelection } from "../remote/fetch/fetched.ts";
import type { EngineSettings } from "./engine-settings.ts";
import type { PlainElement, RequestStatistics, StorageRequest } from "./request.ts";

/** Given to a worker when it starts. */
export interface WorkerSetup {
  readonly share: DbShare;
  /** Int32 words on shared memory, see `ControlWord`. */
  readonly control: SharedArrayBuffer;
  /** What it may keep of blocks between requests. */
  readonly cacheBytes: number;
}

/** Words of a worker's control block. */
export const ControlWord = {
  /** Id of the newest request that is to stop; ids ascend, and a worker runs one request at a time. */
  cancelled: 0,
  /** Bytes written by the worker that the client has not taken yet. */
  unsentBytes: 1,
} as const;

export const CONTROL_BYTES = 8;

export interface RunMessage {
  readonly id: number;
  readonly request: StorageRequest;
  readonly ticket: ReadTicket;
  readonly queueSeconds: number;
  readonly settings: EngineSettings;
  /** What was read from other servers for the request. */
  readonly fetched?: readonly FetchedSelection[] | undefined;
}

export type WorkerReply =
  | { readonly kind: "bytes"; readonly id: number; readonly bytes: Uint8Array<ArrayBuffer> }
  | { readonly kind: "elements"; readonly id: number; readonly elements: readonly PlainElement[] }
  | {
      readonly kind: "done";
      readonly id: number;
      readonly statistics: RequestStatistics;
      /** The last bytes of the answer: most answers have no others, and each message wakes the main thread. */
      readonly bytes: Uint8Array<ArrayBuffer> | undefined;
    }
  | { readonly kind: "failed"; readonly id: number; readonly code: string; readonly message: string };
