// Labels of a daemon's networks.
import { flagOf, type JsonObject, textOf, textPairsOf } from "@narthex/toolkit";
import { sanitizeLabelName } from "../meta-label.ts";

/** Labels by network id; names begin with `prefix`. */
export function networkLabels(
  networks: readonly JsonObject[],
  prefix: string,
): ReadonlyMap<string, ReadonlyMap<string, string>> {
  const labels = new Map<string, Map<string, string>>();
  for (const network of networks) {
    const id = textOf(network["Id"], "network Id");
    const own = new Map([
      [`${prefix}network_id`, id],
      [`${prefix}network_name`, textOf(network["Name"], "network Name")],
      [`${prefix}network_scope`, textOf(network["Scope"], "network Scope")],
      [`${prefix}network_internal`, String(flagOf(network["Internal"], "network Internal"))],
      [`${prefix}network_ingress`, String(flagOf(network["Ingress"], "network Ingress"))],
    ]);
    addLabels(own, `${prefix}network_label_`, network["Labels"], "network Labels");
    labels.set(id, own);
  }
  return labels;
}

/** Adds the labels that an object of the daemon has, their names sanitised. Throws a `ShapeError`. */
export function addLabels(labels: Map<string, string>, prefix: string, pairs: unknown, place: string): void {
  for (const [key, value] of textPairsOf(pairs, place)) labels.set(prefix + sanitizeLabelName(key), value);
}
