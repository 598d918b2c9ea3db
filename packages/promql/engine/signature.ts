// Keys by which series find their group or partner, made once per series.
import { Labels, METRIC_NAME } from "@narthex/model";

/**
 * Makes the function that tells the match group of a series: equal strings for equal values of the `on` labels, or of
 * all labels but the ignored ones and the metric name.
 */
export function signatureOf(on: boolean, names: readonly string[]): (labels: Labels) => string {
  if (on) return valuesOf(names);
  return keyWithout(names);
}

/** Makes the function that tells the group of a series in an aggregation. */
export function groupKeyOf(without: boolean, names: readonly string[]): (labels: Labels) => string {
  if (!without) return names.length === 0 ? () => "" : valuesOf(names);
  return keyWithout(names);
}

/** Makes the function that gives a group's labels from those of any of its series. */
export function groupLabelsOf(without: boolean, names: readonly string[]): (labels: Labels) => Labels {
  if (without) {
    const dropped = new Set([METRIC_NAME, ...names]);
    return (labels) => labels.without(dropped);
  }
  if (names.length === 0) return () => Labels.empty;
  const kept = new Set(names);
  return (labels) => labels.keep(kept);
}

/** Equal strings for label sets that are equal but for the metric name and the labels of the given names. */
function keyWithout(names: readonly string[]): (labels: Labels) => string {
  const dropped = new Set([METRIC_NAME, ...names]);
  return ({ pairs }) => {
    let key = "";
    for (let i = 0; i < pairs.length; i += 2) {
      const name = pairs[i] as string;
      if (!dropped.has(name)) key += `${name}\xff\x00${pairs[i + 1]}\xff\x00`;
    }
    return key;
  };
}

function valuesOf(names: readonly string[]): (labels: Labels) => string {
  const [single] = names;
  if (names.length === 1) return (labels) => labels.get(single as string);
  return (labels) => {
    let key = "";
    for (const name of names) key += `${labels.get(name)}\xff\x00`;
    return key;
  };
}
