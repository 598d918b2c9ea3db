// A group of targets as it is written: in `static_configs`, and in the files of `file_sd_configs`.
import { type Codec, field, quote, struct, yamlCodec } from "@narthex/toolkit";
import { isLabelName } from "../../relabel/index.ts";
import type { StaticTargetGroup } from "../types.ts";

const { list, map, text, textOf } = yamlCodec;

/** What a group is read into: without its source, which is for the reader to say. */
export type GroupDraft = { -readonly [K in keyof StaticTargetGroup]: StaticTargetGroup[K] };

/** As the reference names it in messages. */
const GROUP_TYPE = 'struct { Targets []string "yaml:\\"targets\\""; Labels model.LabelSet "yaml:\\"labels\\"" }';

const labelSet = map(textOf("model.LabelValue"), {
  type: "model.LabelSet",
  checkKey: (name) => (isLabelName(name, "utf8") ? undefined : `${quote(name)} is not a valid label name`),
});

/** One group; `source` is not read. */
export const targetGroup: Codec<GroupDraft> = struct<GroupDraft>(GROUP_TYPE, [
  field<GroupDraft>("targets", "targets", list(text), { keep: true }),
  field<GroupDraft>("labels", "labels", labelSet),
]);
