/** Line colours: a fixed pool for one query, a family of shades per query where several share a graph. */

/** A theme that is drawn right now. */
export type Tone = "light" | "dark";

/** Hues of the pool in degrees (OKLCH), ordered so that neighbours in the list are far apart. */
const POOL_HUES = [155, 45, 255, 340, 95, 200, 305, 20, 125, 230, 70, 280];

/** Hue of each query's family; a seventh query starts over with the first one's hue and another dash. */
const FAMILY_HUES = [250, 50, 150, 320, 95, 200];

/** Dash patterns by query, so that families differ without colour, too. The first is solid. */
const DASHES: readonly (readonly number[])[] = [[], [7, 4], [2, 3], [10, 3, 2, 3], [14, 4], [4, 2, 4, 6]];

/** The colour of series `index` of a graph with one query: stable per index, three rounds of twelve before it repeats. */
export function poolColor(index: number, tone: Tone): string {
  const round = Math.floor(index / POOL_HUES.length) % 3;
  const lightness = tone === "light" ? [0.55, 0.42, 0.63][round]! : [0.76, 0.64, 0.86][round]!;
  const chroma = [0.15, 0.12, 0.11][round]!;
  return oklchHex(lightness, chroma, POOL_HUES[index % POOL_HUES.length]!);
}

/** The colour of series `index` of query `query` on a shared graph: the query's hue, shaded and turned a little by index. */
export function familyColor(query: number, index: number, tone: Tone): string {
  const hue = FAMILY_HUES[query % FAMILY_HUES.length]!;
  const shade = [0, 1, -1, 2, -2][index % 5]!;
  const turn = [0, 14, -14][Math.floor(index / 5) % 3]!;
  const lightness = (tone === "light" ? 0.54 : 0.76) + shade * (tone === "light" ? 0.045 : 0.06);
  return oklchHex(lightness, 0.15 - Math.abs(shade) * 0.015, hue + turn);
}

/** The dash pattern of query `query` on a shared graph, in CSS pixels; empty for a solid line. */
export function familyDash(query: number): readonly number[] {
  return DASHES[query % DASHES.length]!;
}

/** `A`, `B`, … `Z`, `AA`, …: what a query is called on a shared graph. */
export function queryLetter(index: number): string {
  return (index >= 26 ? queryLetter(Math.floor(index / 26) - 1) : "") + String.fromCharCode(65 + (index % 26));
}

/**
 * `#rrggbb` of an OKLCH colour; what sRGB cannot show loses chroma, never hue.
 * Source of the matrices: Björn Ottosson, "A perceptual color space for image processing" (Oklab), 2020.
 */
export function oklchHex(lightness: number, chroma: number, hueDegrees: number): string {
  for (let c = chroma; ; c -= 0.01) {
    const rgb = oklchToLinear(lightness, Math.max(0, c), (hueDegrees * Math.PI) / 180);
    if (c <= 0 || rgb.every((part) => part >= -0.001 && part <= 1.001)) {
      return `#${rgb.map((part) => toByte(part).toString(16).padStart(2, "0")).join("")}`;
    }
  }
}

function oklchToLinear(lightness: number, chroma: number, hue: number): number[] {
  const a = chroma * Math.cos(hue);
  const b = chroma * Math.sin(hue);
  const l = (lightness + 0.3963377774 * a + 0.2158037573 * b) ** 3;
  const m = (lightness - 0.1055613458 * a - 0.0638541728 * b) ** 3;
  const s = (lightness - 0.0894841775 * a - 1.291485548 * b) ** 3;
  return [
    4.0767416621 * l - 3.3077115913 * m + 0.2309699292 * s,
    -1.2684380046 * l + 2.6097574011 * m - 0.3413193965 * s,
    -0.0041960863 * l - 0.7034186147 * m + 1.707614701 * s,
  ];
}

function toByte(linear: number): number {
  const bounded = Math.min(1, Math.max(0, linear));
  const encoded = bounded <= 0.0031308 ? 12.92 * bounded : 1.055 * bounded ** (1 / 2.4) - 0.055;
  return Math.round(encoded * 255);
}
