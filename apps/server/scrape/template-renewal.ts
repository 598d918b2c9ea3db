// Making a target's next template of a body whose series are all known.
import type { ExtraSeriesSet } from "./extra-series.ts";
import { type LineLog, UNKNOWN_PLACE } from "./line-log.ts";
import type { GroupPart } from "./sample-groups.ts";
import { REPEATED, type TargetTemplate, type TemplateContent } from "./target-template.ts";
import { type FamilyNote, MAX_SERIES_BYTES, type TemplateBuilder } from "./template.ts";

/**
 * The template of the body `bytes[0, end)`, whose lines are in `log`: each entry is what its series was, in the template or
 * beside it. Undefined when a series is too long for a template. Three more bytes must be readable through `view`.
 */
export function templateOf(
  log: LineLog,
  bytes: Uint8Array,
  view: DataView,
  end: number,
  template: TargetTemplate,
  extras: ExtraSeriesSet,
  builder: TemplateBuilder,
): TemplateContent | undefined {
  const { count, seriesStarts, seriesEnds, valueStarts, ends, typeCodes, hashes, places, notes, noteLines } = log;
  const refs = new Uint32Array(count);
  const flags = new Uint8Array(count);
  let parts: (GroupPart | undefined)[] | undefined;
  const claimed = new Uint8Array(template.count);
  const claimedExtras = new Uint8Array(extras.size);
  let noted = 0;
  let runStart = 0;
  for (let line = 0; line < count; line++) {
    while (noted < notes.length && (noteLines[noted] as number) <= line) addNote(builder, notes[noted++] as FamilyNote);
    const start = seriesStarts[line] as number;
    const seriesEnd = seriesEnds[line] as number;
    const hash = hashes[line] as number;
    if (seriesEnd - start > MAX_SERIES_BYTES) return abandon(builder);
    let part: GroupPart | undefined;
    const place = places[line] as number;
    const address = place === UNKNOWN_PLACE ? template.lookUp(bytes, start, seriesEnd, hash) : -1;
    if (address >= 0) {
      const old = template.numberOf(address);
      refs[line] = template.refs[old] as number;
      part = template.part(old);
      flags[line] = (template.flags[old] as number) | (claimed[old] === 0 ? 0 : REPEATED);
      claimed[old] = 1;
    } else {
      const id = place === UNKNOWN_PLACE ? extras.find(view, start, seriesEnd, hash) : -1 - place;
      if (id < 0) return abandon(builder);
      refs[line] = extras.ref(id);
      part = extras.part(id);
      flags[line] = extras.flags(id) | (claimedExtras[id] === 0 ? 0 : REPEATED);
      claimedExtras[id] = 1;
    }
    if (part !== undefined) (parts ??= [])[line] = part;
    builder.add(view, runStart, start, seriesEnd, valueStarts[line] as number, typeCodes[line] as number, hash);
    runStart = ends[line] as number;
  }
  while (noted < notes.length) addNote(builder, notes[noted++] as FamilyNote);
  return { blocks: builder.finish(), refs, flags, parts, trailer: bytes.slice(runStart, end) };
}

function addNote(builder: TemplateBuilder, { family, kind, text }: FamilyNote): void {
  builder.note(family, kind, text);
}

function abandon(builder: TemplateBuilder): undefined {
  builder.abandon();
  return undefined;
}
