// Which texts may name a label.

/** Any non-empty well-formed text may; U+FFFD stands for bytes that were no UTF-8. */
export function isLabelName(name: string): boolean {
  return name !== "" && !/\p{Surrogate}|\ufffd/u.test(name);
}

/** A label name in double quotes; bytes that were no UTF-8 (kept by the parser as U+DC80 to U+DCFF) as `\xNN`. */
export function quoteLabelName(name: string): string {
  return JSON.stringify(name).replace(/\\udc([89a-f][0-9a-f])/g, "\\x$1");
}
