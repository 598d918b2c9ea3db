// A page for a scraper, out of one registry or several.
import { type Exposition, negotiateFormat, type Registry } from "@narthex/client";

const OPENMETRICS_END = "# EOF\n";

/**
 * All registries' metrics in the format that the Accept header asks for: one registry in any, several as text. Otherwise as
 * `exposeText`.
 */
export async function exposeAll(registries: readonly Registry[], accept: string | undefined): Promise<Exposition> {
  const [first, ...others] = new Set(registries);
  return first !== undefined && others.length === 0 ? first.expose(accept) : exposeText(registries, accept);
}

/**
 * All registries' metrics in the text format that the Accept header asks for. A registry that is named twice counts once; of a family
 * that several have, the first one's is shown, since a page with two would be refused as a whole.
 */
export async function exposeText(
  registries: readonly Registry[],
  accept: string | undefined,
): Promise<Exposition<string>> {
  const { format: wanted, contentType } = negotiateFormat(accept, undefined, ["text", "openmetrics"]);
  const format = wanted === "openmetrics" ? "openmetrics" : "text";
  const texts = await Promise.all([...new Set(registries)].map((registry) => registry.metrics(format)));
  const body = texts.length === 1 ? (texts[0] as string) : joined(texts);
  return { contentType, body: format === "openmetrics" && texts.length !== 1 ? body + OPENMETRICS_END : body };
}

function joined(texts: readonly string[]): string {
  const shown = new Set<string>();
  let out = "";
  for (const text of texts) {
    const ours = new Set<string>();
    let isShown = true;
    for (const line of text.split(/(?<=\n)/)) {
      if (line === OPENMETRICS_END) continue;
      const name = /^# (?:HELP|TYPE) (\S+)/.exec(line)?.[1];
      if (name !== undefined) {
        isShown = !shown.has(name);
        ours.add(name);
      }
      if (isShown) out += line;
    }
    for (const name of ours) shown.add(name);
  }
  return out;
}
