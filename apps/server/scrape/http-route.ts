// The toolkit's routes, with failures as scrapes report them.
import * as toolkit from "@narthex/toolkit";
import { ScrapeError } from "./scrape-error.ts";

/** The way to one host. */
export type Route = toolkit.HttpRoute;

/** The routes of one client. Throws a `ScrapeError` for a certificate or key that cannot be read. */
export class Router extends toolkit.HttpRouter {
  override to(url: URL, unixSocket: string): Route {
    return asScrapeError(() => super.to(url, unixSocket));
  }
}

/** What `run` gives; a `CredentialError` of the toolkit that it throws is thrown as a `ScrapeError`. */
export function asScrapeError<T>(run: () => T): T {
  try {
    return run();
  } catch (error) {
    if (!(error instanceof toolkit.CredentialError)) throw error;
    throw new ScrapeError(error.message, "other", { cause: error });
  }
}
