/** Which rows of a long list are near the window: only those are drawn. */
import type { RefObject } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";

/** Rows drawn above and below those in sight. */
const MARGIN = 12;
/** Drawn until the list has been measured. */
const FIRST = 40;

export interface Shown {
  readonly first: number;
  readonly end: number;
}

/** `rowPixels` is the height that every row has. The ref is for the element that holds the rows. */
export function useWindow<T extends HTMLElement>(count: number, rowPixels: number): [RefObject<T | null>, Shown] {
  const element = useRef<T>(null);
  const [shown, setShown] = useState<Shown>({ first: 0, end: FIRST });
  useEffect(() => {
    let frame = 0;
    const measure = (): void => {
      frame = 0;
      if (element.current === null) return;
      const top = -element.current.getBoundingClientRect().top;
      // In steps, so that small movements draw nothing anew.
      const first = Math.max(0, Math.floor(top / rowPixels / MARGIN) * MARGIN - MARGIN);
      const end = Math.min(count, first + Math.ceil(innerHeight / rowPixels) + 3 * MARGIN);
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
  }, [count, rowPixels]);
  return [element, { first: Math.min(shown.first, count), end: Math.min(shown.end, count) }];
}
