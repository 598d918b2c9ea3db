// A web configuration file that is read again whenever it, or a file it names, has changed.
import { statSync } from "node:fs";
import { type ServerTls, serverTls } from "./server-tls.ts";
import { loadWebConfig, usesTls, type WebConfig } from "./web-config.ts";

/** What the file says now. */
export interface LoadedWebConfig {
  readonly config: WebConfig;
  /** Undefined where the file asks for none. */
  readonly tls: ServerTls | undefined;
}

/** Looks at the files' times, sizes and inodes at each access: a few microseconds, and no change is missed for long. */
export class WebConfigFile {
  readonly #file: string;
  #stamp: string;
  #loaded: LoadedWebConfig;

  /** Throws a `WebConfigError`. */
  constructor(file: string) {
    this.#file = file;
    this.#loaded = this.#load();
    this.#stamp = this.#stampNow();
  }

  /** The newest state. Throws a `WebConfigError` while the files are at fault, each time anew. */
  current(): LoadedWebConfig {
    const stamp = this.#stampNow();
    if (stamp !== this.#stamp) {
      this.#loaded = this.#load();
      this.#stamp = this.#stampNow();
    }
    return this.#loaded;
  }

  #load(): LoadedWebConfig {
    const config = loadWebConfig(this.#file);
    return { config, tls: usesTls(config) ? serverTls(config.tls) : undefined };
  }

  #stampNow(): string {
    const tls = this.#loaded?.config.tls;
    const files = [this.#file, tls?.certFile ?? "", tls?.keyFile ?? "", tls?.clientCaFile ?? ""];
    return files.map((file) => (file === "" ? "" : stampOf(file))).join("|");
  }
}

function stampOf(file: string): string {
  const stats = statSync(file, { throwIfNoEntry: false });
  return stats === undefined ? "gone" : `${stats.mtimeMs}/${stats.size}/${stats.ino}`;
}
