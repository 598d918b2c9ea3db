// Paths without what differs from request to request, for servers whose routes have no templates.

/** Which segments of a path are values. */
export interface UrlValueOptions {
  /** The shortest run of hexadecimal digits that is a value. Standard: 7. */
  readonly minHexLength?: number;
  /** Further expressions; a segment that one matches is a value. */
  readonly extraMasks?: readonly RegExp[];
}

const USUAL_MASKS: readonly RegExp[] = [
  /^-?[0-9]+$/,
  /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i,
  /^[0-9]{4}-[0-9]{2}-[0-9]{2}(?:T[0-9:.]+Z?)?$/,
  /^[^@]+@[^@]+\.[^@]+$/,
];

/** The path with each value replaced; its query is cut off. */
export function replaceUrlValues(path: string, replacement: string = "#val", options: UrlValueOptions = {}): string {
  const { minHexLength = 7, extraMasks = [] } = options;
  const isValue = (segment: string): boolean =>
    USUAL_MASKS.some((mask) => mask.test(segment)) ||
    (segment.length >= minHexLength && /^[0-9a-f]+$/i.test(segment) && /[0-9]/.test(segment)) ||
    extraMasks.some((mask) => {
      mask.lastIndex = 0;
      return mask.test(segment);
    });
  return (path.split(/[?#]/, 1)[0] as string)
    .split("/")
    .map((segment) => (segment !== "" && isValue(segment) ? replacement : segment))
    .join("/");
}
