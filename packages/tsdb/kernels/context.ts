// What the kernels at a desk are told once: where everything stands.
import { Control, type HeadMemory } from "../memory/layout.ts";
import { Context } from "./compiled.ts";
import { DeskPart, KERNEL_CUTS } from "./desk.ts";

/** Fills in the context of the desk at an address, and returns its words. Addresses are bytes from the start of the memory. */
export function makeContext({ memory, layout }: HeadMemory, at: number): Uint32Array {
  const context = new Uint32Array(memory.buffer, at + DeskPart.context.offset, Context.words);
  context[Context.series] = layout.series.offset;
  context[Context.cold] = layout.cold.offset;
  context[Context.slots] = layout.slots.offset;
  context[Context.slotPool] = Control.slotPool * 4;
  context[Context.finished] = layout.finished.offset;
  context[Context.cellPool] = Control.cellPool * 4;
  context[Context.pages] = layout.refs.offset;
  context[Context.pageCount] = layout.refs.bytes / 4;
  context[Context.arena] = layout.arena.offset;
  context[Context.names] = layout.names.offset;
  context[Context.pairs] = layout.pairs.offset;
  context[Context.pairPool] = Control.pairPool * 4;
  context[Context.seriesPool] = Control.seriesPool * 4;
  context[Context.seriesTable] = Control.seriesTable * 4;
  context[Context.arenaState] = Control.arena * 4;
  context[Context.arenaLimit] = layout.arena.bytes / 4;
  context[Context.control] = 0;
  context[Context.ids] = at + DeskPart.ids.offset;
  context[Context.labels] = at + DeskPart.labels.offset;
  context[Context.records] = at + DeskPart.records.offset;
  context[Context.times] = at + DeskPart.times.offset;
  context[Context.values] = at + DeskPart.values.offset;
  context[Context.cuts] = at + DeskPart.cuts.offset;
  context[Context.cutRoom] = KERNEL_CUTS;
  context[Context.cutCount] = 0;
  return context;
}
