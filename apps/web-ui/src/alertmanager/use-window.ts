/** Which rows of a long list are near the window: only those are drawn. */
import type { RefObject } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";

/** Drawn above and below what is in sight, in pixels; the list is drawn anew each time that half of it was scrolled. */
const MARGIN_PIXELS = 300;
/** Drawn until the list has been measured. */
const FIRST = 40;

export interface Shown {
  readonly first: number;
  readonly end: number;
}

/** Where each row begins, and as the last entry where the list ends; in pixels. */
export function rowOffsets<T>(rows: readonly T[], pixelsOf: (row: T) => number): Float64Array {
  const offsets = new Float64Array(rows.length + 1);
  rows.forEach((row, i) => {
    offsets[i + 1] = offsets[i]! + pixelsOf(row);
  });
  return offsets;
}

/** The last row that begins at or before `pixels`; 0 above the list. */
export function rowAt(offsets: Float64Array, pixels: number): number {
  let low = 0;
  let high = Math.max(0, offsets.length - 2);
  while (low < high) {
    const middle = (low + high + 1) >> 1;
    if (offsets[middle]! <= pixels) low = middle;
    else high = middle - 1;
  }
  return low;
}

/** The ref is for the element that holds the rows. */
export function useWindow<T extends HTMLElement>(offsets: Float64Array): [RefObject<T | null>, Shown] {
  const element = useRef<T>(null);
  const count = offsets.length - 1;
  const [shown, setShown] = useState<Shown>({ first: 0, end: FIRST });
  useEffect(() => {
    let frame = 0;
    const measure = (): void => {
      frame = 0;
      if (element.current === null) return;
      const step = MARGIN_PIXELS / 2;
      const top = Math.floor(-element.current.getBoundingClientRect().top / step) * step;
      const first = rowAt(offsets, top - MARGIN_PIXELS);
      const end = Math.min(count, rowAt(offsets, top + innerHeight + MARGIN_PIXELS + step) + 1);
      setShown((old) => (old.first === first && old.end === end ? old : { first, end }));
    };
    const later = (): void => {
      if (frame === 0) frame = requestAnimationFrame(measure);
    };
    measure();
    addEventListener("scroll", later, { passive: true });
    addEventListener("resize", later);
    return () => {
      cancelAnimationFrame(frame);
      removeEventListener("scroll", later);
      removeEventListener("resize", later);
    };
  }, [offsets, count]);
  return [element, { first: Math.min(shown.first, count), end: Math.min(shown.end, count) }];
}
