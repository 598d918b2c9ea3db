/** What surrounds every place of the Alertmanager's page. */
import type { ComponentType, JSX } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";
import { Guarded } from "../shell/guarded.tsx";
import { Icon, type IconName, Mark } from "../shell/icons.tsx";
import { useCell } from "../shell/signal.ts";
import { ThemeButton } from "../shell/theme-button.tsx";
import { Toasts } from "../shell/toasts.tsx";
import { IconButton, Notice } from "../shell/widgets.tsx";
import { AlertsPage } from "./alerts-page.tsx";
import { goTo, hashPlace } from "./hash-router.ts";
import { HelpDialog } from "./help-dialog.tsx";
import { NotificationsPage } from "./notifications-page.tsx";
import { ReceiversPage } from "./receivers-page.tsx";
import { RoutesPage } from "./routes-page.tsx";
import { SettingsPage } from "./settings-page.tsx";
import { SilencesPage } from "./silences-page.tsx";
import { StatusPage } from "./status-page.tsx";

/** One place: what stands behind `#/`, and the key that follows `g` to go there. */
export interface Place {
  readonly path: string;
  readonly title: string;
  readonly icon: IconName;
  readonly key: string;
  readonly component: ComponentType;
}

const PLACES: readonly Place[] = [
  { path: "alerts", title: "Alerts", icon: "alerts", key: "a", component: AlertsPage },
  { path: "silences", title: "Silences", icon: "silence", key: "s", component: SilencesPage },
  { path: "notifications", title: "Notifications", icon: "notifications", key: "n", component: NotificationsPage },
  { path: "routes", title: "Routing", icon: "routes", key: "r", component: RoutesPage },
  { path: "receivers", title: "Receivers", icon: "alertmanagers", key: "v", component: ReceiversPage },
  { path: "status", title: "Status", icon: "status", key: "u", component: StatusPage },
  { path: "settings", title: "Settings", icon: "settings", key: "e", component: SettingsPage },
];
const HOME = "alerts";

export function AlertmanagerShell(): JSX.Element {
  const { parts, search } = useCell(hashPlace);
  const [menuOpen, setMenuOpen] = useState(false);
  const [helpOpen, setHelpOpen] = useState(false);
  const route = parts[0] ?? "";
  const place = PLACES.find(({ path }) => path === route);
  useEffect(() => {
    if (route === "") goTo(`#/${HOME}${search === "" ? "" : `?${search}`}`, true);
  }, [route, search]);
  useEffect(() => {
    document.title = place ? `${place.title} · Alertmanager` : "Alertmanager";
    setMenuOpen(false);
  }, [place]);
  useShortcuts(() => setHelpOpen(true));
  return (
    <div class="shell alertmanager">
      {/* No link: what stands behind the # of the address is the place in this page. */}
      <button type="button" class="skip" onClick={() => document.getElementById("content")?.focus()}>
        Skip to content
      </button>
      <header class="bar">
        <a class="brand" href={`#/${HOME}`}>
          <Mark />
          <span>Alertmanager</span>
        </a>
        <button
          type="button"
          class="plain menu-button"
          aria-expanded={menuOpen}
          aria-controls="navigation"
          onClick={() => setMenuOpen(!menuOpen)}
        >
          <Icon name={menuOpen ? "close" : "menu"} />
          <span>{place?.title ?? "Menu"}</span>
        </button>
        <nav id="navigation" class={menuOpen ? "nav open" : "nav"} aria-label="Pages">
          <ul>
            {PLACES.map(({ path, title, icon }) => (
              <li key={path}>
                <a href={`#/${path}`} aria-current={path === route ? "page" : undefined}>
                  <Icon name={icon} />
                  {title}
                </a>
              </li>
            ))}
            <li>
              <a href="https://prometheus.io/docs/alerting/alertmanager/" target="_blank" rel="noreferrer">
                <Icon name="book" />
                Documentation
              </a>
            </li>
          </ul>
        </nav>
        <div class="tools">
          <ThemeButton />
          <IconButton icon="help" label="Keyboard shortcuts (?)" onClick={() => setHelpOpen(true)} />
        </div>
      </header>
      <main id="content" tabIndex={-1}>
        {place ? (
          <Guarded key={place.path}>
            <place.component />
          </Guarded>
        ) : (
          route !== "" && <Nowhere route={parts.join("/")} />
        )}
      </main>
      <HelpDialog open={helpOpen} places={PLACES} onClose={() => setHelpOpen(false)} />
      <Toasts />
    </div>
  );
}

function Nowhere({ route }: { route: string }): JSX.Element {
  return (
    <Notice kind="info" title="There is no such page">
      <p>
        Nothing is at <code>#/{route}</code>. <a href={`#/${HOME}`}>Go to the alerts</a>
      </p>
    </Notice>
  );
}

/** `?` opens the help, `g` and a letter goes to a place, `/` to the first field, `n` to a new silence. Never while typing. */
function useShortcuts(openHelp: () => void): void {
  const waiting = useRef(0);
  useEffect(() => {
    const listener = (event: KeyboardEvent): void => {
      const { target } = event;
      if (event.ctrlKey || event.metaKey || event.altKey || event.defaultPrevented) return;
      if (document.querySelector("dialog[open]")) return;
      if (target instanceof HTMLElement && /^(INPUT|TEXTAREA|SELECT)$/.test(target.tagName)) return;
      if (Date.now() - waiting.current < 1500) {
        waiting.current = 0;
        const place = PLACES.find(({ key }) => key === event.key);
        if (place === undefined) return;
        event.preventDefault();
        goTo(`#/${place.path}`);
      } else if (event.key === "g") {
        waiting.current = Date.now();
      } else if (event.key === "?") {
        openHelp();
      } else if (event.key === "n") {
        event.preventDefault();
        goTo("#/silences/new");
      } else if (event.key === "/") {
        const first = document.querySelector<HTMLElement>("main [data-first-input]");
        if (first === null) return;
        event.preventDefault();
        first.focus();
      }
    };
    addEventListener("keydown", listener);
    return () => removeEventListener("keydown", listener);
  }, []);
}
