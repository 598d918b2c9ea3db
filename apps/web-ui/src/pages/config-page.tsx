/** The configuration in force, as the server read it: secrets hidden, defaults filled in. */
import type { JSX } from "preact";
import { useAnswer } from "../api/use-answer.ts";
import { Icon } from "../shell/icons.tsx";
import { copyText } from "../shell/toasts.tsx";
import { PageHead, waitingFor } from "../shell/widgets.tsx";
import { YamlText } from "./yaml-text.tsx";

/** The page. */
export function ConfigPage(): JSX.Element {
  const asked = useAnswer<{ yaml: string }>("status/config");
  const yaml = asked.answer?.data.yaml ?? "";
  return (
    <>
      <PageHead title="Configuration" note="As the server read it: defaults filled in, secrets hidden.">
        {yaml !== "" && (
          <button type="button" onClick={() => copyText(yaml, "Configuration copied")}>
            <Icon name="copy" />
            Copy
          </button>
        )}
      </PageHead>
      {waitingFor(asked, "the configuration")}
      {asked.answer && (
        <section class="card" aria-label="Configuration">
          <YamlText text={yaml} />
        </section>
      )}
    </>
  );
}
