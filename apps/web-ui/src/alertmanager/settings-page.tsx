/** What this browser remembers. */
import type { JSX } from "preact";
import { parseDuration } from "../format/duration.ts";
import { changeSetting, settings } from "../shell/settings.ts";
import { useCell } from "../shell/signal.ts";
import { chooseTheme, type ThemeChoice, themeChoice } from "../shell/theme.ts";
import { Choice, PageHead } from "../shell/widgets.tsx";
import { choices, choose } from "./choices.ts";

export function SettingsPage(): JSX.Element {
  const theme = useCell(themeChoice);
  const { useLocalTime } = useCell(settings);
  const { author, duration } = useCell(choices);
  return (
    <>
      <PageHead title="Settings" note="Kept in this browser only." />
      <section class="card padded settings">
        <div class="setting">
          <span>
            Theme<small>Automatic follows the browser</small>
          </span>
          <Choice<ThemeChoice>
            label="Theme"
            value={theme}
            options={[
              ["light", "Light"],
              ["dark", "Dark"],
              ["auto", "Automatic"],
            ]}
            onChange={chooseTheme}
          />
        </div>
        <label class="setting">
          <span>
            Local time<small>Show and read times in this computer's zone instead of UTC</small>
          </span>
          <input
            type="checkbox"
            class="switch"
            checked={useLocalTime}
            onChange={(event) => changeSetting("useLocalTime", event.currentTarget.checked)}
          />
        </label>
        <label class="setting">
          <span>
            Your name<small>Who creates silences and acknowledges alerts</small>
          </span>
          <input
            type="text"
            value={author}
            onChange={(event) => choose({ author: event.currentTarget.value.trim() })}
          />
        </label>
        <label class="setting">
          <span>
            Silences last<small>Unless told otherwise: 2h, 1d</small>
          </span>
          <input
            type="text"
            value={duration}
            onChange={(event) => {
              if (parseDuration(event.currentTarget.value) === null) event.currentTarget.value = duration;
              else choose({ duration: event.currentTarget.value.trim() });
            }}
          />
        </label>
      </section>
    </>
  );
}
