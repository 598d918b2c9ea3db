// `narthex pushgateway`: from the command line to a running gateway, and from a signal to a clean end.
import { createLogger, type Logger, NARTHEX_VERSION, WebConfigError } from "@narthex/toolkit";
import { COMPATIBLE_VERSION } from "./build-info.ts";
import { parseGatewayFlags } from "./flags/flags.ts";
import { Gateway } from "./gateway.ts";
import { PushRulesError } from "./store/push-rules.ts";

const EXIT = { clean: 0, failed: 1 } as const;

/** Runs until the gateway has stopped; resolves to the exit code. */
export async function main(argv: readonly string[]): Promise<number> {
  const command = parseGatewayFlags(argv);
  if (command.kind === "exit") {
    process.stdout.write(command.stdout);
    process.stderr.write(command.stderr);
    return command.code;
  }
  const logger = createLogger({ level: command.flags.logLevel, format: command.flags.logFormat });
  logger.info("starting pushgateway", { version: `narthex ${NARTHEX_VERSION}, following ${COMPATIBLE_VERSION}` });
  let gateway: Gateway;
  try {
    gateway = await Gateway.create(command, logger);
    const stopping = untilToldToStop(gateway, logger);
    await gateway.start();
    await stopping;
  } catch (error) {
    if (error instanceof WebConfigError)
      logger.error("Unable to validate web configuration file", { err: error.message });
    else if (error instanceof PushRulesError) logger.error("Unable to use --push.rules-file", { err: error.message });
    else logger.error("Fatal error", { err: (error as Error).message });
    return EXIT.failed;
  }
  try {
    await gateway.stop();
    logger.info("HTTP server stopped");
    return EXIT.clean;
  } catch (error) {
    logger.error("problem shutting down metric storage", { err: (error as Error).message });
    return EXIT.failed;
  }
}

function untilToldToStop(gateway: Gateway, logger: Logger): Promise<void> {
  return new Promise((resolve) => {
    for (const name of ["SIGTERM", "SIGINT"]) {
      process.once(name, () => {
        logger.info("received SIGINT/SIGTERM; exiting gracefully...");
        resolve();
      });
    }
    void gateway.untilQuit().then(() => {
      logger.warn("received termination request via web service, exiting gracefully...");
      resolve();
    });
  });
}
