// `google.protobuf.Timestamp`, as the state files hold times.
import type { WireReader, WireWriter } from "@narthex/encoding";
import { Moment } from "../moment/moment.ts";

const FIELD = { seconds: 1, nanos: 2 } as const;

export function writeTimestamp(writer: WireWriter, field: number, moment: Moment): void {
  const mark = writer.begin(field);
  if (moment.seconds !== 0) writer.intField(FIELD.seconds, moment.seconds);
  if (moment.nanos !== 0) writer.intField(FIELD.nanos, moment.nanos);
  writer.end(mark);
}

/** Reads the timestamp that the current field is. */
export function readTimestamp(reader: WireReader): Moment {
  const outer = reader.enter();
  let seconds = 0;
  let nanos = 0;
  for (let field = reader.nextField(); field !== 0; field = reader.nextField()) {
    if (field === FIELD.seconds) seconds = reader.intField();
    else if (field === FIELD.nanos) nanos = reader.intField();
    else reader.skipField();
  }
  reader.leave(outer);
  return new Moment(seconds, nanos);
}
