import assert from "node:assert/strict";
import { test } from "node:test";
import { familyColor, familyDash, oklchHex, poolColor, queryLetter, type Tone } from "./colors.ts";

const BACKGROUND = { light: "#fffffc", dark: "#161b18" };

test("colours: the first thirty-six series of a graph all differ and stand out from the background", () => {
  for (const tone of ["light", "dark"] as const) {
    const colors = Array.from({ length: 36 }, (_, i) => poolColor(i, tone));
    assert.equal(new Set(colors).size, 36);
    for (const color of colors) assertVisible(color, tone);
    assert.equal(poolColor(36, tone), poolColor(0, tone));
  }
});

test("colours: families of six queries share no colour, and a query's series differ from one another", () => {
  for (const tone of ["light", "dark"] as const) {
    const families = Array.from({ length: 6 }, (_, query) =>
      Array.from({ length: 15 }, (_, i) => familyColor(query, i, tone)),
    );
    assert.equal(new Set(families.flat()).size, 90);
    for (const color of families.flat()) assertVisible(color, tone);
  }
  assert.deepEqual(familyDash(0), []);
  assert.notDeepEqual(familyDash(1), familyDash(2));
});

test("colours: OKLCH becomes sRGB, and what sRGB lacks loses chroma instead of wrapping around", () => {
  assert.equal(oklchHex(0, 0, 0), "#000000");
  assert.equal(oklchHex(1, 0, 0), "#ffffff");
  // The published OKLCH coordinates of sRGB red.
  assert.equal(oklchHex(0.62796, 0.25768, 29.234), "#ff0000");
  assert.match(oklchHex(0.9, 0.4, 140), /^#[0-9a-f]{6}$/);
});

test("query letters go on after Z", () => {
  assert.deepEqual([0, 25, 26, 27, 52].map(queryLetter), ["A", "Z", "AA", "AB", "BA"]);
});

/** At least 3:1, what WCAG 2.2 asks of graphical objects. */
function assertVisible(color: string, tone: Tone): void {
  const [low, high] = [luminance(color), luminance(BACKGROUND[tone])].sort((a, b) => a - b) as [number, number];
  const contrast = (high + 0.05) / (low + 0.05);
  assert.ok(contrast >= 3, `${color} on ${tone}: ${contrast.toFixed(2)}`);
}

function luminance(color: string): number {
  const [r, g, b] = [1, 3, 5].map((at) => {
    const part = Number.parseInt(color.slice(at, at + 2), 16) / 255;
    return part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4;
  }) as [number, number, number];
  return 0.2126 * r + 0.7152 * g + 0.0722 * b;
}
