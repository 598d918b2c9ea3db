// What a target said about its metric families, for the metadata API.
import { applyNote, type Block, type FamilyMetadata } from "./template.ts";

/** Families are remembered for so many scrapes after they were last declared. */
const REMEMBERED_SCRAPES = 10;

interface RememberedFamily extends FamilyMetadata {
  lastScrape: number;
}

/** Endings that the series of a family may have. */
const SERIES_ENDINGS = ["_total", "_bucket", "_sum", "_count", "_created", "_info", "_gcount", "_gsum"] as const;

/** The family that a series of this name belongs to. */
export function familyOfSeries<T>(families: ReadonlyMap<string, T>, name: string): T | undefined {
  const same = families.get(name);
  if (same !== undefined) return same;
  for (const ending of SERIES_ENDINGS) {
    const family = name.endsWith(ending) ? families.get(name.slice(0, -ending.length)) : undefined;
    if (family !== undefined) return family;
  }
  return undefined;
}

/** Families that stand beside the template: declared since it was made, or gone from it a short while ago. */
export class FamilyMemory {
  readonly #families = new Map<string, RememberedFamily>();
  #templateFamilies = 0;
  #templateBytes = 0;

  /** Something about a family was read in scrape number `scrape`. */
  note(family: string, kind: "type" | "help" | "unit", text: string, scrape: number): void {
    const known = this.#families.get(family);
    if (known === undefined) this.#families.set(family, { type: "unknown", help: "", unit: "", lastScrape: scrape });
    else known.lastScrape = scrape;
    applyNote(this.#families, { family, kind, text });
  }

  /** Forgets what was last declared too long before this scrape. */
  expire(scrape: number): void {
    for (const [name, { lastScrape }] of this.#families) {
      if (scrape - lastScrape > REMEMBERED_SCRAPES) this.#families.delete(name);
    }
  }

  /** What only the old template declared is remembered a while; what the new one declares needs no remembering. */
  replaceTemplate(old: readonly Block[], next: readonly Block[], scrape: number): void {
    const gone = new Map<string, FamilyMetadata>();
    for (const { notes } of old) for (const note of notes) applyNote(gone, note);
    for (const [name, family] of gone) {
      if (!this.#families.has(name)) this.#families.set(name, { ...family, lastScrape: scrape });
    }
    const declared = new Set<string>();
    this.#templateBytes = 0;
    for (const { notes } of next) {
      for (const { family, text } of notes) {
        this.#families.delete(family);
        this.#templateBytes += text.length + (declared.has(family) ? 0 : family.length);
        declared.add(family);
      }
    }
    this.#templateFamilies = declared.size;
  }

  /** Everything known, the template's families included. */
  all(template: readonly Block[]): Map<string, FamilyMetadata> {
    const families = new Map<string, FamilyMetadata>();
    for (const { notes } of template) for (const note of notes) applyNote(families, note);
    for (const [name, { type, help, unit }] of this.#families) {
      const known = families.get(name) ?? { type: "unknown", help: "", unit: "" };
      families.set(name, {
        type: type === "unknown" ? known.type : type,
        help: help === "" ? known.help : help,
        unit: unit === "" ? known.unit : unit,
      });
    }
    return families;
  }

  /** About how many families there are and how many bytes their texts take; made without building the whole list. */
  get size(): { readonly entries: number; readonly bytes: number } {
    let bytes = this.#templateBytes;
    for (const [name, { help, unit }] of this.#families) bytes += name.length + help.length + unit.length;
    return { entries: this.#templateFamilies + this.#families.size, bytes };
  }

  clear(): void {
    this.#families.clear();
    this.#templateFamilies = 0;
    this.#templateBytes = 0;
  }
}
