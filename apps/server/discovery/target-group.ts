// What discovery finds.

/** Targets from one source. A later group of the same source replaces it; one without targets removes it. */
export interface TargetGroup {
  /** Unique within its discoverer. */
  readonly source: string;
  /** Labels of all targets; a target's own win. */
  readonly labels: ReadonlyMap<string, string>;
  /** Label sets, each with `__address__`. */
  readonly targets: readonly ReadonlyMap<string, string>[];
}

/** The group of targets that are known by their addresses. */
export function groupOfAddresses(
  source: string,
  labels: ReadonlyMap<string, string>,
  addresses: readonly string[],
): TargetGroup {
  return { source, labels, targets: addresses.map((address) => new Map([["__address__", address]])) };
}
