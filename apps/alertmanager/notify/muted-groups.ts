// Groups that a time interval muted at their last flush, for the API.

export class MutedGroups {
  readonly #mutedBy = new Map<string, readonly string[]>();

  /** Names of the intervals that mute the group; none takes it off the list. */
  set(routeId: string, groupKey: string, names: readonly string[]): void {
    const key = keyOf(routeId, groupKey);
    if (names.length === 0) this.#mutedBy.delete(key);
    else this.#mutedBy.set(key, names);
  }

  /** Empty for a group that is not muted. */
  mutedBy(routeId: string, groupKey: string): readonly string[] {
    return this.#mutedBy.get(keyOf(routeId, groupKey)) ?? [];
  }

  delete(routeId: string, groupKey: string): void {
    this.#mutedBy.delete(keyOf(routeId, groupKey));
  }
}

function keyOf(routeId: string, groupKey: string): string {
  return `${routeId}\u0000${groupKey}`;
}
