// What can be configured of the remote protocols but does not exist yet: said aloud, so that nobody waits for data.
import type { Logger } from "@narthex/toolkit";
import type { Config } from "../config/index.ts";

/** One line for each kind of remote endpoint that is configured and will not be used. */
export function warnOfMissingRemotes({ alerting }: Config, logger: Logger): void {
  if (alerting.alertmanagers.length > 0) {
    logger.warn("Sending of alerts does not exist yet: the Alertmanagers in alerting get nothing", {
      alertmanagers: alerting.alertmanagers.length,
    });
  }
}
