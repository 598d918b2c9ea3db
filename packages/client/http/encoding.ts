// Which compression a client takes.

/** Compressions, in the order in which they are preferred among equals. */
export type ContentEncoding = "zstd" | "gzip";

/** The best of those offered for an Accept-Encoding header; undefined for none. `*` stands for all that are not named. */
export function negotiateEncoding(
  header: string | undefined,
  offered: readonly ContentEncoding[],
): ContentEncoding | undefined {
  const qualities = new Map<string, number>();
  for (const part of (header ?? "").slice(0, 1024).split(",")) {
    const [name = "", ...parameters] = part.split(";");
    const q = parameters.map((parameter) => /^\s*q\s*=\s*([0-9.]+)\s*$/i.exec(parameter)?.[1]).find((found) => found);
    if (name.trim() !== "") qualities.set(name.trim().toLowerCase(), q === undefined ? 1 : Number(q));
  }
  const qualityOf = (encoding: string): number => qualities.get(encoding) ?? qualities.get("*") ?? 0;
  let best: ContentEncoding | undefined;
  for (const encoding of offered) {
    const quality = qualityOf(encoding);
    if (quality > 0 && (best === undefined || quality > qualityOf(best))) best = encoding;
  }
  return best;
}
