// Label sets as protobuf messages.
import type { WireWriter } from "@narthex/encoding";
import { LabelField } from "./wire.ts";

/** Writes pairs (name, value, name, value) as label messages in field `field`. */
export function writeLabels(writer: WireWriter, field: number, pairs: readonly string[]): void {
  for (let i = 0; i < pairs.length; i += 2) {
    const label = writer.begin(field);
    writer.textField(LabelField.name, pairs[i] as string);
    writer.textField(LabelField.value, pairs[i + 1] as string);
    writer.end(label);
  }
}
