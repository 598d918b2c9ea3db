/** Holds a page back until the server is ready, showing how far the replay of its log has come. */
import type { ComponentChildren, JSX } from "preact";
import { useEffect, useState } from "preact/hooks";
import { ask } from "../api/client.ts";
import { PATH_PREFIX } from "./server-facts.ts";
import { Notice } from "./widgets.tsx";

type State = "ready" | "starting" | "stopping";

/** Shows its children once `/-/ready` agrees; until then asks each second. A server that cannot be reached holds nothing back. */
export function Readiness({ children }: { children: ComponentChildren }): JSX.Element {
  const [state, setState] = useState<State>("ready");
  const [replay, setReplay] = useState<{ current: number; max: number } | null>(null);

  useEffect(() => {
    let timer: ReturnType<typeof setTimeout>;
    let gone = false;
    const check = async (): Promise<void> => {
      const next = await readiness();
      if (gone) return;
      setState(next);
      if (next === "ready") return;
      const progress = await ask<{ current: number; max: number }>("status/walreplay").catch(() => null);
      if (gone) return;
      setReplay(progress?.data ?? null);
      timer = setTimeout(check, 1000);
    };
    check();
    return () => {
      gone = true;
      clearTimeout(timer);
    };
  }, []);

  if (state === "ready") return <>{children}</>;
  return (
    <Notice kind="info" title={state === "starting" ? "The server is starting up…" : "The server is shutting down…"}>
      {state === "starting" && (
        <p>
          It is reading back what it had in memory before.{" "}
          {replay && replay.max > 0 && `Segment ${Math.min(replay.current, replay.max)} of ${replay.max}.`}
        </p>
      )}
      {replay && replay.max > 0 && <progress max={replay.max} value={replay.current} aria-label="Replay of the log" />}
    </Notice>
  );
}

async function readiness(): Promise<State> {
  try {
    const response = await fetch(`${PATH_PREFIX}/-/ready`, { cache: "no-store" });
    if (response.status !== 503) return "ready";
    return response.headers.get("x-prometheus-stopping") === "true" ? "stopping" : "starting";
  } catch {
    return "ready";
  }
}
