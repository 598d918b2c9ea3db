/** The small card beside the pointer of a graph: when, how much, which series; and the dot on the line. */
import { type LabelMap, labelPairs } from "../format/labels.ts";

/** What the card says; positions in pixels within the plotting area, `y` null when no line is near. */
export interface Tip {
  readonly x: number;
  readonly y: number | null;
  readonly width: number;
  readonly height: number;
  readonly time: string;
  readonly color?: string;
  readonly value?: string;
  readonly prefix?: string;
  readonly labels?: LabelMap;
}

/** Labels that one card lists at most. */
const LABEL_LIMIT = 16;

/** A card and a dot inside the plotting area. Screen readers hear the graph's spoken line instead. */
export class PlotTip {
  private readonly card: HTMLDivElement = element("div", "tip");
  private readonly dot: HTMLDivElement = element("div", "tip-dot");

  constructor(area: HTMLElement) {
    this.card.setAttribute("aria-hidden", "true");
    area.append(this.dot, this.card);
    this.hide();
  }

  /** Puts the card beside the point, on the side with more room. */
  show(tip: Tip): void {
    this.card.hidden = false;
    this.dot.hidden = tip.y === null;
    this.card.replaceChildren(element("div", "tip-time", tip.time), ...this.body(tip));
    if (tip.y !== null) {
      this.dot.style.transform = `translate(${tip.x}px, ${tip.y}px)`;
      this.dot.style.background = tip.color ?? "";
    }
    const right = tip.x > tip.width / 2;
    const x = right ? tip.x - this.card.offsetWidth - 14 : tip.x + 14;
    // Kept within the plotting area, so that it hides neither the time axis nor the legend.
    const lowest = Math.max(4, tip.height - this.card.offsetHeight - 4);
    this.card.style.transform = `translate(${x}px, ${Math.min(lowest, Math.max(4, (tip.y ?? 0) - 20))}px)`;
  }

  /** Takes card and dot off the screen. */
  hide(): void {
    this.card.hidden = true;
    this.dot.hidden = true;
  }

  /** Removes both elements. */
  destroy(): void {
    this.card.remove();
    this.dot.remove();
  }

  private body(tip: Tip): HTMLElement[] {
    if (tip.value === undefined) return [element("div", "tip-none", "no value here")];
    const head = element("div", "tip-head");
    const swatch = element("span", "swatch");
    swatch.style.background = tip.color ?? "";
    head.append(swatch, element("b", "tip-value", tip.value));
    const name = tip.labels?.["__name__"] ?? "";
    const title = [tip.prefix, name].filter(Boolean).join(" ");
    const list = element("div", "tip-labels");
    const pairs = labelPairs(tip.labels ?? {});
    for (const [label, value] of pairs.slice(0, LABEL_LIMIT)) {
      list.append(element("span", "tip-label", label), element("span", "tip-label-value", value));
    }
    if (pairs.length > LABEL_LIMIT) list.append(element("span", "tip-label", `and ${pairs.length - LABEL_LIMIT} more`));
    return [head, ...(title ? [element("div", "tip-name", title)] : []), list];
  }
}

function element<K extends keyof HTMLElementTagNameMap>(
  tag: K,
  className: string,
  text = "",
): HTMLElementTagNameMap[K] {
  const made = document.createElement(tag);
  made.className = className;
  if (text) made.textContent = text;
  return made;
}
