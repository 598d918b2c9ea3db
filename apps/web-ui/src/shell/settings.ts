/** What a user prefers, kept in this browser (`settings.*` in localStorage, values JSON) and never sent anywhere. */
import { type Cell, cell } from "./signal.ts";

/** Settings by name, with their defaults. */
export interface Settings {
  /** Times in the browser's zone instead of UTC. */
  readonly useLocalTime: boolean;
  /** Offer earlier queries while typing. */
  readonly enableQueryHistory: boolean;
  readonly enableAutocomplete: boolean;
  readonly enableSyntaxHighlighting: boolean;
  readonly enableLinter: boolean;
  readonly showQueryWarnings: boolean;
  readonly showQueryInfoNotices: boolean;
}

const DEFAULTS: Settings = {
  useLocalTime: false,
  enableQueryHistory: false,
  enableAutocomplete: true,
  enableSyntaxHighlighting: true,
  enableLinter: true,
  showQueryWarnings: true,
  showQueryInfoNotices: true,
};

/** The settings as they stand. */
export const settings: Cell<Settings> = cell(loadSettings());

/** Changes one setting, for now and for the next visit. */
export function changeSetting(name: keyof Settings, value: boolean): void {
  settings.set({ ...settings.get(), [name]: value });
  store(`settings.${name}`, value);
}

/** Reads a JSON value of localStorage; `fallback` when there is none, it is damaged, or the browser forbids it. */
export function recall<T>(key: string, fallback: T): T {
  try {
    const text = localStorage.getItem(key);
    return text === null ? fallback : (JSON.parse(text) as T);
  } catch {
    return fallback;
  }
}

/** Writes a JSON value to localStorage; a browser that forbids it forgets, nothing more. */
export function store(key: string, value: unknown): void {
  try {
    localStorage.setItem(key, JSON.stringify(value));
  } catch {
    // Private windows and full storage: the setting lasts as long as the page.
  }
}

function loadSettings(): Settings {
  const loaded: Record<string, boolean> = {};
  for (const [name, value] of Object.entries(DEFAULTS)) loaded[name] = recall(`settings.${name}`, value) === true;
  return loaded as unknown as Settings;
}
