// `narthex alertmanager`: from the command line to a running program, and from a signal to a clean end.
import { createLogger, type Logger } from "@narthex/toolkit";
import { Alertmanager } from "./alertmanager.ts";
import { VERSION_INFO } from "./build-info.ts";
import { systemClock } from "./clock.ts";
import { type Features, logFeatures, parseFeatures } from "./features.ts";
import { type AlertmanagerFlags, parseAlertmanagerFlags } from "./flags/flags.ts";

/** Exit codes of the reference. */
const EXIT = { clean: 0, failed: 1 } as const;

/** Runs until the program has stopped; resolves to the exit code. `assets` is the folder of the built page. */
export async function main(argv: string[], { assets }: { readonly assets?: string } = {}): Promise<number> {
  const command = parseAlertmanagerFlags(argv);
  if (command.kind === "exit") {
    process.stdout.write(command.stdout);
    process.stderr.write(command.stderr);
    return command.code;
  }
  const { flags } = command;
  const logger = createLogger({ level: flags.logLevel, format: flags.logFormat });
  logger.info("Starting Alertmanager", {
    version: `(version=${VERSION_INFO.version}, revision=${VERSION_INFO.revision})`,
  });
  let features: Features;
  try {
    features = parseFeatures(flags.enableFeature);
  } catch (error) {
    logger.error("error parsing the feature flag list", { err: (error as Error).message });
    return EXIT.failed;
  }
  logFeatures(features, logger);
  if (!(flags.memoryRatio > 0 && flags.memoryRatio <= 1)) {
    logger.error("--auto-gomemlimit.ratio must be greater than 0 and less than or equal to 1.");
    return EXIT.failed;
  }
  return run(flags, features, logger, assets);
}

async function run(
  flags: AlertmanagerFlags,
  features: Features,
  logger: Logger,
  assets: string | undefined,
): Promise<number> {
  let program: Alertmanager | undefined;
  const stopping = untilToldToStop();
  try {
    program = new Alertmanager({ flags, features, logger, clock: systemClock, assets });
    process.on("SIGHUP", () => {
      try {
        program?.reload();
      } catch {
        // Logged where it happened; the old configuration goes on.
      }
    });
    await program.start();
  } catch (error) {
    logger.error("alertmanager exited with error", { err: (error as Error).message });
    await program?.stop().catch(() => {});
    return EXIT.failed;
  }
  await stopping;
  logger.info("Received shutdown signal, exiting gracefully...");
  try {
    await program.stop();
  } catch (error) {
    logger.error("Writing the state at the end failed", { err: (error as Error).message });
    return EXIT.failed;
  }
  return EXIT.clean;
}

function untilToldToStop(): Promise<void> {
  return new Promise((resolve) => {
    for (const signal of ["SIGTERM", "SIGINT"] as const) process.once(signal, () => resolve());
    // Who started it as its companion is gone.
    process.once("disconnect", () => resolve());
  });
}
