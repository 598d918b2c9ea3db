// Variables of the environment that the tutorial's setup reads.

/** Label and variable. */
const LABELS: readonly (readonly [label: string, variable: string])[] = [
  ["jobName", "LOKI_APP_NAME"],
  ["instance", "RENDER_INSTANCE_ID"],
];

type Environment = Readonly<Record<string, string | undefined>>;

/** `jobName` and `instance`; "default" where nothing is set. */
export function environmentLabels(environment: Environment): Record<string, string> {
  return Object.fromEntries(LABELS.map(([label, variable]) => [label, environment[variable] || "default"]));
}

/** Variables that are not set. */
export function missingVariables(environment: Environment): string[] {
  return LABELS.map(([, variable]) => variable).filter((variable) => !environment[variable]);
}

/** Where a server of the tutorial listens: `PORT` and `SERVER_HOST`, or 3000 on every interface. Throws for a port that is none. */
export function serverAddress(environment: Environment): { readonly port: number; readonly host: string } {
  const port = Number(environment["PORT"] ?? 3000);
  if (!Number.isInteger(port) || port < 0 || port > 65_535)
    throw new RangeError(`PORT must be a number from 0 to 65535, not ${JSON.stringify(environment["PORT"])}`);
  return { port, host: environment["SERVER_HOST"] ?? "0.0.0.0" };
}
