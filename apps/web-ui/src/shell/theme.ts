/** Light, dark, or whatever the browser says. */
import type { Tone } from "../graph/colors.ts";
import { recall, store } from "./settings.ts";
import { type Cell, cell } from "./signal.ts";

/** The user's choice; `auto` follows the browser. */
export type ThemeChoice = "light" | "dark" | "auto";

const CHOICES: readonly ThemeChoice[] = ["light", "dark", "auto"];
const browserIsDark = matchMedia("(prefers-color-scheme: dark)");

/** The user's choice, as stored in this browser. */
export const themeChoice: Cell<ThemeChoice> = cell(loadChoice());

/** What is shown right now; canvases watch this and draw again. */
export const tone: Cell<Tone> = cell(currentTone());

/** Takes a choice over: style sheets see it as `data-theme` on the root element. */
export function chooseTheme(choice: ThemeChoice): void {
  store("narthex.theme", choice);
  themeChoice.set(choice);
  apply();
}

/** The choice after `choice` on the theme button: light, dark, automatic, light, … */
export function nextTheme(choice: ThemeChoice): ThemeChoice {
  return CHOICES[(CHOICES.indexOf(choice) + 1) % CHOICES.length]!;
}

/** Starts to follow choice and browser; called once, before the first rendering. */
export function startTheme(): void {
  apply();
  browserIsDark.addEventListener("change", apply);
}

function apply(): void {
  const choice = themeChoice.get();
  if (choice === "auto") delete document.documentElement.dataset["theme"];
  else document.documentElement.dataset["theme"] = choice;
  tone.set(currentTone());
}

function currentTone(): Tone {
  const choice = themeChoice.get();
  return choice === "auto" ? (browserIsDark.matches ? "dark" : "light") : choice;
}

function loadChoice(): ThemeChoice {
  const stored = recall<string>("narthex.theme", "auto");
  return CHOICES.find((choice) => choice === stored) ?? "auto";
}
