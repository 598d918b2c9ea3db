/** The button that goes from one theme to the next. */
import type { JSX } from "preact";
import { useCell } from "./signal.ts";
import { chooseTheme, nextTheme, themeChoice } from "./theme.ts";
import { IconButton } from "./widgets.tsx";

const NAMES = { light: "light", dark: "dark", auto: "automatic" };

export function ThemeButton(): JSX.Element {
  const choice = useCell(themeChoice);
  return (
    <IconButton
      icon={choice === "light" ? "sun" : choice === "dark" ? "moon" : "auto"}
      label={`Theme: ${NAMES[choice]}. Switch to ${NAMES[nextTheme(choice)]}`}
      onClick={() => chooseTheme(nextTheme(choice))}
    />
  );
}
