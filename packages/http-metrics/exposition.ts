// A page for a scraper, out of one registry or several.
import { type Exposable, type Exposition, Registry } from "@narthex/client";

/**
 * What a page shows: all registries' metrics, in any format. A registry that is named twice counts once; of a family that several have,
 * the first one's is shown, since a page with two would be refused as a whole. `registries` is asked for each page.
 */
export function pageOf(registries: () => readonly Registry[]): Exposable {
  return { stream: (format, options) => merged(registries()).stream(format, options) };
}

/** The page of all registries in the format that the Accept header asks for. Rejects when a collector fails. */
export async function exposeAll(registries: readonly Registry[], accept: string | undefined): Promise<Exposition> {
  return merged(registries).expose(accept);
}

/** The page of all registries in the text format that the Accept header asks for. Rejects when a collector fails. */
export async function exposeText(
  registries: readonly Registry[],
  accept: string | undefined,
): Promise<Exposition<string>> {
  const { contentType, body } = await merged(registries).expose(accept, { formats: ["text", "openmetrics"] });
  return { contentType, body: body as string };
}

function merged(registries: readonly Registry[]): ReturnType<typeof Registry.merged> {
  return Registry.merged(registries, { repeated: "skip" });
}
