// Names of meta labels and addresses, as all mechanisms write them.

/** A name's outsides become underscores: every character but letters, digits and `_`. */
export function sanitizeLabelName(name: string): string {
  return name.replace(/[^a-zA-Z0-9_]/gu, "_");
}

/** `host:port`, with brackets around an IPv6 address. */
export function joinHostPort(host: string, port: number | string): string {
  return host.includes(":") ? `[${host}]:${port}` : `${host}:${port}`;
}

/** Items with the separator between them and at both ends, so that a pattern need not care for the first and last. */
export function joinedList(items: readonly string[], separator: string): string {
  return separator + items.join(separator) + separator;
}
