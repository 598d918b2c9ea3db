/** What surrounds every page: navigation, theme, settings, help, and the note while the server is still starting. */
import type { ComponentType, JSX } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";
import { HelpDialog, SettingsDialog } from "./dialogs.tsx";
import { Guarded } from "./guarded.tsx";
import { Icon, Mark } from "./icons.tsx";
import { HOME, PAGES, type Page } from "./pages.ts";
import { Readiness } from "./readiness.tsx";
import { href, navigate, place } from "./router.ts";
import { AGENT_MODE, CONSOLES_LINK, PAGE_TITLE } from "./server-facts.ts";
import { useCell } from "./signal.ts";
import { ThemeButton } from "./theme-button.tsx";
import { Toasts } from "./toasts.tsx";
import { Loading, Notice } from "./widgets.tsx";

/** The whole page. */
export function Shell(): JSX.Element {
  const { route, search } = useCell(place);
  const [menuOpen, setMenuOpen] = useState(false);
  const [dialog, setDialog] = useState<"help" | "settings" | null>(null);
  const page = PAGES.find((candidate) => candidate.route === route);
  const moved = route === "" || route === "graph" || route === "agent";

  useEffect(() => {
    if (moved) navigate(HOME.route, search.slice(1), true);
  }, [moved, search]);
  useEffect(() => {
    document.title = page ? `${page.title} · ${PAGE_TITLE}` : PAGE_TITLE;
    setMenuOpen(false);
  }, [page]);
  useShortcuts((name) => setDialog(name));

  return (
    <div class="shell">
      <a class="skip" href="#content">
        Skip to content
      </a>
      <header class="bar">
        <a class="brand" href={href(HOME.route)} data-route="">
          <Mark />
          <span>
            {PAGE_TITLE}
            {AGENT_MODE && <small> agent</small>}
          </span>
        </a>
        <button
          type="button"
          class="plain menu-button"
          aria-expanded={menuOpen}
          aria-controls="navigation"
          onClick={() => setMenuOpen(!menuOpen)}
        >
          <Icon name={menuOpen ? "close" : "menu"} />
          <span>{page?.title ?? "Menu"}</span>
        </button>
        <nav id="navigation" class={menuOpen ? "nav open" : "nav"} aria-label="Pages">
          {(["Ask", "Watch", "Server"] as const).map((group) => (
            <NavGroup key={group} name={group} current={route} />
          ))}
          {CONSOLES_LINK && (
            <ul>
              <li>
                <a href={CONSOLES_LINK}>
                  <Icon name="list" />
                  Consoles
                </a>
              </li>
            </ul>
          )}
        </nav>
        <div class="tools">
          <ThemeButton />
          <button
            type="button"
            class="plain"
            aria-label="Settings"
            title="Settings"
            onClick={() => setDialog("settings")}
          >
            <Icon name="settings" />
          </button>
          <button
            type="button"
            class="plain"
            aria-label="Keyboard shortcuts and help"
            title="Help (?)"
            onClick={() => setDialog("help")}
          >
            <Icon name="help" />
          </button>
        </div>
      </header>
      <main id="content" tabIndex={-1}>
        <Readiness>
          {page ? <PageFrame key={page.route} page={page} /> : moved ? <Loading /> : <NotFound route={route} />}
        </Readiness>
      </main>
      <HelpDialog open={dialog === "help"} onClose={() => setDialog(null)} />
      <SettingsDialog open={dialog === "settings"} onClose={() => setDialog(null)} />
      <Toasts />
    </div>
  );
}

function NavGroup({ name, current }: { name: Page["group"]; current: string }): JSX.Element | null {
  const pages = PAGES.filter((page) => page.group === name);
  if (pages.length === 0) return null;
  return (
    <div class="nav-group">
      <h2 id={`nav-${name}`}>{name}</h2>
      <ul aria-labelledby={`nav-${name}`}>
        {pages.map((page) => (
          <li key={page.route}>
            <a href={href(page.route)} data-route="" aria-current={page.route === current ? "page" : undefined}>
              <Icon name={page.icon} />
              {page.title}
            </a>
          </li>
        ))}
      </ul>
    </div>
  );
}

function PageFrame({ page }: { page: Page }): JSX.Element {
  const [Loaded, setLoaded] = useState<{ component: ComponentType } | null>(null);
  const [failure, setFailure] = useState("");
  useEffect(() => {
    let gone = false;
    page.load().then(
      (component) => !gone && setLoaded({ component }),
      () => !gone && setFailure("This part of the page could not be loaded. Is the server still running?"),
    );
    return () => {
      gone = true;
    };
  }, [page]);
  if (failure) {
    return (
      <Notice kind="error" title={failure}>
        <button type="button" onClick={() => location.reload()}>
          Reload the page
        </button>
      </Notice>
    );
  }
  if (!Loaded) return <Loading />;
  return (
    <Guarded>
      <Loaded.component />
    </Guarded>
  );
}

function NotFound({ route }: { route: string }): JSX.Element {
  return (
    <Notice kind="info" title="There is no such page">
      <p>
        Nothing is at <code>/{route}</code>. <a href={href(HOME.route)} data-route="">{`Go to ${HOME.title}`}</a>
      </p>
    </Notice>
  );
}

/** `?` opens the help, `g` and a letter goes to a page, `/` to the page's first input. Never while typing somewhere. */
function useShortcuts(open: (dialog: "help" | "settings") => void): void {
  const waiting = useRef(0);
  useEffect(() => {
    const listener = (event: KeyboardEvent): void => {
      const origin = event.composedPath()[0];
      if (
        event.ctrlKey ||
        event.metaKey ||
        event.altKey ||
        event.defaultPrevented ||
        document.querySelector("dialog[open]")
      )
        return;
      if (
        origin instanceof HTMLElement &&
        (origin.isContentEditable || /^(INPUT|TEXTAREA|SELECT)$/.test(origin.tagName))
      )
        return;
      if (Date.now() - waiting.current < 1500) {
        waiting.current = 0;
        const page = PAGES.find((candidate) => candidate.key === event.key);
        if (page) {
          event.preventDefault();
          navigate(page.route);
        }
      } else if (event.key === "g") {
        waiting.current = Date.now();
      } else if (event.key === "?") {
        open("help");
      } else if (event.key === "/") {
        const first = document.querySelector<HTMLElement>("main [data-first-input]");
        if (!first) return;
        event.preventDefault();
        (first.shadowRoot?.querySelector<HTMLElement>(".cm-content") ?? first).focus();
      }
    };
    addEventListener("keydown", listener);
    return () => removeEventListener("keydown", listener);
  }, []);
}
