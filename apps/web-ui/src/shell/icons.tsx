/** Line icons, 16 by 16, drawn in the colour of the text around them; they are decoration and hidden from screen readers. */
import type { JSX } from "preact";

const PATHS = {
  query: "M2 12.5 6 7l3 3 5-7M2 14.5h12",
  targets: "M8 2.5a5.5 5.5 0 1 1 0 11 5.5 5.5 0 0 1 0-11Zm0 3.5a2 2 0 1 1 0 4 2 2 0 0 1 0-4Z",
  discovery: "M7 2.5a4.5 4.5 0 1 1 0 9 4.5 4.5 0 0 1 0-9ZM10.3 10.3 14 14",
  alerts: "M8 2a4 4 0 0 1 4 4v3l1.5 2.5h-11L4 9V6a4 4 0 0 1 4-4ZM6.5 13.5h3",
  rules: "M3 3.5h10M3 8h10M3 12.5h6M12 11v3M10.5 12.5h3",
  status: "M2 8h3l2-4.5 3 9L12 8h2",
  tsdb: "M2.5 4c0-1.1 2.5-2 5.5-2s5.5.9 5.5 2-2.5 2-5.5 2-5.5-.9-5.5-2Zm0 0v8c0 1.1 2.5 2 5.5 2s5.5-.9 5.5-2V4M2.5 8c0 1.1 2.5 2 5.5 2s5.5-.9 5.5-2",
  flags: "M3.5 14V2.5h8L10 5.5l1.5 3h-8",
  config: "M5.5 3 2 8l3.5 5M10.5 3 14 8l-3.5 5",
  alertmanagers: "M2.5 4h11v8h-11zM2.5 4.5 8 9l5.5-4.5",
  silence: "M2.5 6h2.500L8.500 3v10L5 10H2.500ZM11 6l3.500 4M14.500 6 11 10",
  routes: "M3 3v10M3 5.500h5M3 11h5M8 3.500h5v4H8ZM8 9h5v4H8Z",
  notifications: "M2 8.500 14 2.500l-3.500 11L7.500 9ZM7.500 9 14 2.500",
  external: "M6.500 3.500h-3v9h9v-3M9 2.500h4.500V7M13.500 2.500 7.500 8.500",
  check: "M3 8.500 6.500 12 13 4.500",
  edit: "M3 13v-2.500l7.500-7.500 2.500 2.500L5.500 13Z",
  sun: "M8 5a3 3 0 1 1 0 6 3 3 0 0 1 0-6ZM8 1v1.5M8 13.5V15M1 8h1.5M13.5 8H15M3 3l1 1M12 12l1 1M13 3l-1 1M4 12l-1 1",
  moon: "M13.5 9.5A5.8 5.8 0 0 1 6.5 2.5a5.8 5.8 0 1 0 7 7Z",
  auto: "M8 2.5a5.5 5.5 0 1 1 0 11 5.5 5.5 0 0 1 0-11Zm0 0v11M8 5h3.7M8 8h5M8 11h3.7",
  settings: "M2.5 4.5h6M11.5 4.5h2M10 3v3M2.5 11.5h2M7.5 11.5h6M6 10v3",
  help: "M6 6a2 2 0 1 1 2.8 1.8c-.6.3-.8.7-.8 1.4M8 11.5v.6M8 1.8a6.2 6.2 0 1 1 0 12.4A6.2 6.2 0 0 1 8 1.8Z",
  menu: "M2 4h12M2 8h12M2 12h12",
  close: "M3.5 3.5l9 9M12.5 3.5l-9 9",
  plus: "M8 3v10M3 8h10",
  minus: "M3 8h10",
  left: "M10 3 5 8l5 5",
  right: "M6 3l5 5-5 5",
  down: "M3 6l5 5 5-5",
  refresh: "M13.5 3v3.5H10M13.3 6.3A5.6 5.6 0 1 0 13.6 9",
  copy: "M5.5 5.5h8v8h-8zM10.5 5.5v-3h-8v8h3",
  trash: "M3 4.5h10M6.5 4.5v-2h3v2M4.5 4.5l.5 9h6l.5-9",
  format: "M2.5 3.5h11M5 6.5h8.5M5 9.5h5M2.5 12.5h11",
  history: "M2.5 8a5.5 5.5 0 1 0 1.8-4L2.5 5.5M2.5 2.5v3h3M8 5v3.2l2 1.3",
  list: "M2.5 4h1M6 4h7.5M2.5 8h1M6 8h7.5M2.5 12h1M6 12h7.5",
  warn: "M8 2 14.5 13.5h-13L8 2ZM8 6.5v3.2M8 11.5v.4",
  info: "M8 1.8a6.2 6.2 0 1 1 0 12.4A6.2 6.2 0 0 1 8 1.8ZM8 7.2v4M8 4.8v.4",
  search: "M7 2.5a4.5 4.5 0 1 1 0 9 4.5 4.5 0 0 1 0-9ZM10.3 10.3 14 14",
  book: "M3 2.5h8.5a1 1 0 0 1 1 1v10H4a1 1 0 0 1-1-1v-10ZM3 12.5a1 1 0 0 1 1-1h8.5",
} as const;

/** Names of the icons there are. */
export type IconName = keyof typeof PATHS;

/** One icon. */
export function Icon({ name }: { name: IconName }): JSX.Element {
  return (
    <svg class="icon" viewBox="0 0 16 16" width="16" height="16" aria-hidden="true" focusable="false">
      <path
        d={PATHS[name]}
        fill="none"
        stroke="currentColor"
        stroke-width="1.5"
        stroke-linecap="round"
        stroke-linejoin="round"
      />
    </svg>
  );
}

/** The mark of the project: a fennel stalk with an ember in its pith. */
export function Mark(): JSX.Element {
  return (
    <svg class="mark" viewBox="0 0 24 24" width="24" height="24" aria-hidden="true" focusable="false">
      <path d="M12 22.5V11" fill="none" stroke="var(--accent)" stroke-width="2.6" stroke-linecap="round" />
      <path
        d="M12 18c-3.6 0-6-2-6.8-5.4M12 16c3.2-.2 5.6-2 6.6-5"
        fill="none"
        stroke="var(--accent)"
        stroke-width="2"
        stroke-linecap="round"
      />
      <path
        d="M12 1.2c.4 2.6 3.6 3.7 3.6 6.8a3.6 3.6 0 0 1-7.2 0c0-1.5.8-2.2 1.5-3.1.2.9.6 1.3 1.1 1.5C10.700 4.600 11 2.700 12 1.200Z"
        fill="var(--ember)"
      />
    </svg>
  );
}
