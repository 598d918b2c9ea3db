// A map whose values are of any type: unlike in a map of texts, a key that is not there reads as no value at all.

export class AnyMap extends Map<string, unknown> {}
