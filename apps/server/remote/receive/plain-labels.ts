// Label messages of the usual kind, from the wire to a label set without strings.
import { WireType } from "@narthex/encoding";
import { METRIC_NAME } from "@narthex/model";
import { LabelBytes } from "@narthex/storage";
import { LabelField, TimeSeriesField } from "../wire.ts";
import { MAX_KEY_BYTES } from "./series-cache.ts";

const LABEL_TAG = (TimeSeriesField.labels << 3) | WireType.bytes;
const NAME_TAG = (LabelField.name << 3) | WireType.bytes;
const VALUE_TAG = (LabelField.value << 3) | WireType.bytes;
const METRIC_NAME_BYTES = new TextEncoder().encode(METRIC_NAME);

/** Reads the labels of one series after the other. What it does not take is left to `LabelList`, which knows all rules. */
export class PlainLabels {
  /** What was read last, if it was taken. */
  readonly labels: LabelBytes = new LabelBytes();

  /**
   * Takes the label messages that fill `bytes[start, end)`. False unless each holds a name and then a value of less than
   * 128 bytes, all ASCII and none empty, in the order of their names, `__name__` among them; nor beyond `MAX_KEY_BYTES`.
   */
  readMessages(bytes: Uint8Array, start: number, end: number): boolean {
    const { labels } = this;
    labels.clear();
    if (end - start > MAX_KEY_BYTES) return false;
    labels.reserve(1, end - start);
    let hasMetricName = false;
    let high = 0;
    let at = start;
    while (at < end) {
      // Tag and length of the message, of the name, of the value: six bytes around two texts.
      if (at + 6 > end || bytes[at] !== LABEL_TAG || bytes[at + 2] !== NAME_TAG) return false;
      const messageBytes = bytes[at + 1] as number;
      const nameStart = at + 4;
      const nameEnd = nameStart + (bytes[at + 3] as number);
      const valueStart = nameEnd + 2;
      if (messageBytes >= 0x80 || valueStart > end || bytes[nameEnd] !== VALUE_TAG) return false;
      const valueEnd = valueStart + (bytes[nameEnd + 1] as number);
      if (valueEnd !== at + 2 + messageBytes || valueEnd > end || nameEnd === nameStart || valueEnd === valueStart)
        return false;
      if (nameEnd - nameStart === METRIC_NAME_BYTES.length && isMetricName(bytes, nameStart)) hasMetricName = true;
      // As `labels.add` would do it, but with a look at each byte; there is room for all of them.
      labels.reserve(1, 0);
      const { bytes: to, ends } = labels;
      let length = labels.length;
      for (let i = nameStart; i < nameEnd; i++) {
        const byte = bytes[i] as number;
        high |= byte;
        to[length++] = byte;
      }
      ends[2 * labels.count] = length;
      for (let i = valueStart; i < valueEnd; i++) {
        const byte = bytes[i] as number;
        high |= byte;
        to[length++] = byte;
      }
      ends[2 * labels.count + 1] = length;
      labels.count++;
      labels.length = length;
      at = valueEnd;
    }
    return hasMetricName && high < 0x80 && labels.firstFault() < 0;
  }
}

function isMetricName(bytes: Uint8Array, at: number): boolean {
  for (let i = 0; i < METRIC_NAME_BYTES.length; i++) if (bytes[at + i] !== METRIC_NAME_BYTES[i]) return false;
  return true;
}
