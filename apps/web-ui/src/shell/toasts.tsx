/** Short messages in the corner that leave by themselves. */
import type { JSX } from "preact";
import { type Cell, cell, useCell } from "./signal.ts";

interface Toast {
  readonly id: number;
  readonly kind: "info" | "error";
  readonly text: string;
}

const toasts: Cell<readonly Toast[]> = cell<readonly Toast[]>([]);
let lastId = 0;

/** Shows `text` for four seconds, errors for eight; at most four at a time, the oldest leaves first. */
export function toast(text: string, kind: Toast["kind"] = "info"): void {
  const id = ++lastId;
  toasts.set([...toasts.get(), { id, kind, text }].slice(-4));
  setTimeout(() => toasts.set(toasts.get().filter((one) => one.id !== id)), kind === "error" ? 8000 : 4000);
}

/** Copies `text` and says so. Pages served over plain HTTP have no clipboard API, so there is a second way. */
export async function copyText(text: string, what = "Copied"): Promise<void> {
  try {
    if (navigator.clipboard) await navigator.clipboard.writeText(text);
    else copyBySelection(text);
    toast(what);
  } catch {
    toast("The browser did not allow copying", "error");
  }
}

/** Where toasts appear. */
export function Toasts(): JSX.Element {
  const shown = useCell(toasts);
  return (
    <div class="toasts" role="status" aria-live="polite">
      {shown.map(({ id, kind, text }) => (
        <div key={id} class={`toast ${kind}`}>
          {text}
        </div>
      ))}
    </div>
  );
}

function copyBySelection(text: string): void {
  const area = document.createElement("textarea");
  area.value = text;
  area.className = "visually-hidden";
  document.body.append(area);
  area.select();
  const done = document.execCommand("copy");
  area.remove();
  if (!done) throw new Error("copy refused");
}
