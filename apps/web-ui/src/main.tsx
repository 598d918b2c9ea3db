/** The page's first step: theme, router, then the shell. */
import { render } from "preact";
import "./styles/tokens.css";
import "./styles/shell.css";
import "./styles/controls.css";
import "./styles/query.css";
import "./styles/pages.css";
import { startRouter } from "./shell/router.ts";
import { Shell } from "./shell/shell.tsx";
import { startTheme } from "./shell/theme.ts";

startTheme();
startRouter();
render(<Shell />, document.getElementById("root")!);
