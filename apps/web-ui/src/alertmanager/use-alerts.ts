/** The alerts of the page: first those in sight with all counts, then the others, so that thousands keep nobody waiting. */
import { useCallback, useEffect, useRef, useState } from "preact/hooks";
import type { ApiError, Parameters } from "../api/client.ts";
import { asApiError } from "../api/use-answer.ts";
import { alertsOf, type Grouping, regrouped, stateWord, type Together } from "./alert-rows.ts";
import { type AlertGroup, askAlertmanager } from "./api.ts";

/** More than a tall screen shows. */
const FIRST_ALERTS = 120;

/** What is known of the alerts that were asked for. */
export interface AlertView {
  readonly grouping: Grouping;
  /** By state, in one word; each alert counts once. */
  readonly counts: Readonly<Record<string, number>>;
  /** As the Alertmanager tells them, however they are shown. */
  readonly groupCount: number;
  /** In their order. As long as alerts are missing, some groups have fewer than they count, and the last ones are not there. */
  readonly groups: readonly Together[];
  /** Alerts that are still on their way, 0 for none. */
  readonly missing: number;
}

/** As `narthex/alerts/overview` answers. */
interface Overview {
  readonly counts: Readonly<Record<string, number>>;
  readonly groupCount: number;
  readonly groups: readonly (AlertGroup & { readonly count: number })[];
}

export interface AskedAlerts {
  /** The last good answer, until there is a newer one. */
  readonly answer: AlertView | null;
  readonly error: ApiError | null;
  readonly loading: boolean;
  readonly reload: () => void;
}

/** Asks on mount, whenever the arguments change, every `refreshMs` while the page is seen, and on `reload()`. */
export function useAlerts(parameters: Parameters, grouping: Grouping, refreshMs: number): AskedAlerts {
  const [state, setState] = useState<Omit<AskedAlerts, "reload">>({ answer: null, error: null, loading: true });
  const [round, setRound] = useState(0);
  const key = JSON.stringify([parameters, grouping]);
  /** What is shown in full: asked for again, the overview would take away what is in sight. */
  const wholeOf = useRef("");

  useEffect(() => {
    const abort = new AbortController();
    const load = async (): Promise<void> => {
      if (wholeOf.current !== key) {
        const view = await askOverview(parameters, grouping, abort.signal);
        setState({ answer: view, error: null, loading: view.missing > 0 });
        if (view.missing === 0) return;
      }
      const view = await askAll(parameters, grouping, abort.signal);
      wholeOf.current = key;
      setState({ answer: view, error: null, loading: false });
    };
    setState((old) => ({ ...old, loading: true }));
    load().catch((error: unknown) => {
      if (!abort.signal.aborted) setState((old) => ({ ...old, error: asApiError(error), loading: false }));
    });
    return () => abort.abort();
  }, [key, round]);

  useEffect(() => {
    const timer = setInterval(() => {
      if (document.visibilityState !== "hidden") setRound((n) => n + 1);
    }, refreshMs);
    return () => clearInterval(timer);
  }, [refreshMs]);

  return { ...state, reload: useCallback(() => setRound((n) => n + 1), []) };
}

async function askOverview(parameters: Parameters, grouping: Grouping, signal: AbortSignal): Promise<AlertView> {
  const asked = { ...parameters, by: grouping, limit: FIRST_ALERTS };
  const { data } = await askAlertmanager<Overview>("narthex/alerts/overview", asked, { signal });
  const groups = data.groups.map(({ labels, receiver, count, alerts }) => ({
    labels,
    receiver: receiver.name,
    count,
    alerts,
  }));
  const shown = groups.reduce((sum, { alerts }) => sum + alerts.length, 0);
  const total = Object.values(data.counts).reduce((sum, count) => sum + count, 0);
  // An alert of several groups is shown in each, and counts once.
  const missing = shown < FIRST_ALERTS ? 0 : Math.max(1, total - shown);
  return { grouping, counts: data.counts, groupCount: data.groupCount, groups, missing };
}

async function askAll(parameters: Parameters, grouping: Grouping, signal: AbortSignal): Promise<AlertView> {
  const { data } = await askAlertmanager<readonly AlertGroup[]>("alerts/groups", parameters, { signal });
  const counts: Record<string, number> = {};
  for (const alert of alertsOf(data)) counts[stateWord(alert)] = (counts[stateWord(alert)] ?? 0) + 1;
  return { grouping, counts, groupCount: data.length, groups: regrouped(data, grouping), missing: 0 };
}
