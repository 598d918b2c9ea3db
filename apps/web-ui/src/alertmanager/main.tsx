/** The Alertmanager's page: its first step. */
import { render } from "preact";
import "../styles/tokens.css";
import "../styles/shell.css";
import "../styles/controls.css";
import "../styles/pages.css";
import "../styles/alertmanager.css";
import { startTheme } from "../shell/theme.ts";
import { startHashRouter } from "./hash-router.ts";
import { AlertmanagerShell } from "./shell.tsx";

startTheme();
startHashRouter();
render(<AlertmanagerShell />, document.getElementById("root")!);
