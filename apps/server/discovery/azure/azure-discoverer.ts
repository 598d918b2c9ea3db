// Targets that run as machines of Azure, single ones and those of scale sets.
import { type Logger, textOf } from "@narthex/toolkit";
import type { Discoverer, DiscovererContext } from "../discoverer.ts";
import type { DiscoveryMetrics } from "../discovery-metrics.ts";
import { RefreshDiscoverer } from "../refresh-discoverer.ts";
import type { TargetGroup } from "../target-group.ts";
import { AzureApi, type AzureSurroundings } from "./azure-api.ts";
import type { AzureDiscoveryBody } from "./azure-body.ts";
import { InterfaceCache } from "./interface-cache.ts";
import { type Machine, machineTarget, readInterface, readMachine, resourceOf, subscriptionLabels } from "./machine.ts";

/** Machines whose network interfaces are asked for at the same time. */
const PARALLEL_MACHINES = 10;

/** Asks the resource manager for machines at every interval. Throws for an unknown cloud. */
export function azureDiscoverer(
  body: AzureDiscoveryBody,
  context: DiscovererContext,
  surroundings: AzureSurroundings = { environment: process.env },
): Discoverer {
  const { metrics, clock, setName } = context;
  metrics.expectAzure();
  const search = new AzureSearch(body, {
    api: new AzureApi(body, () => clock.now(), surroundings),
    cache: new InterfaceCache(body.refreshIntervalMs, () => clock.monotonic()),
    logger: context.logger.with({ discovery: "azure", config: setName }),
    metrics,
  });
  const refresh = async (signal: AbortSignal) => {
    try {
      return await search.find(signal);
    } catch (error) {
      if (!signal.aborted) metrics.azureFailures?.inc();
      throw error;
    }
  };
  return new RefreshDiscoverer("azure", body.refreshIntervalMs, context, refresh, () => search.close());
}

interface Tools {
  readonly api: AzureApi;
  readonly cache: InterfaceCache;
  readonly logger: Logger;
  readonly metrics: DiscoveryMetrics;
}

class AzureSearch {
  readonly #body: AzureDiscoveryBody;
  readonly #tools: Tools;

  constructor(body: AzureDiscoveryBody, tools: Tools) {
    this.#body = body;
    this.#tools = tools;
  }

  close(): void {
    this.#tools.api.close();
  }

  async find(signal: AbortSignal): Promise<readonly TargetGroup[]> {
    const machines = await this.#machines(signal);
    const found = new Array<ReadonlyMap<string, string> | undefined>(machines.length);
    let next = 0;
    const work = async (): Promise<void> => {
      while (next < machines.length) {
        const at = next++;
        found[at] = await this.#target(machines[at] as Machine, signal);
      }
    };
    try {
      await explained(
        "unable to complete Azure service discovery",
        Promise.all(Array.from({ length: PARALLEL_MACHINES }, work)),
      );
    } finally {
      // The first failure ends the refresh: nobody begins with another machine.
      next = machines.length;
    }
    const targets = found.filter((target) => target !== undefined);
    return [{ source: "", labels: new Map(), targets }];
  }

  async #machines(signal: AbortSignal): Promise<readonly Machine[]> {
    const { api } = this.#tools;
    const { subscriptionId, tenantId } = this.#body;
    const common = subscriptionLabels(subscriptionId, tenantId);
    const single = await explained("could not get virtual machines", api.machines(signal));
    const machines = single.map((machine) => readMachine(machine, "", common));
    for (const set of await explained("could not get virtual machine scale sets", api.scaleSets(signal))) {
      const name = textOf(set["name"], "scale set name");
      const { resourceGroup } = resourceOf(textOf(set["id"], "scale set id"));
      const members = await explained(
        "could not get virtual machine scale set vms",
        api.scaleSetMachines(resourceGroup, name, signal),
      );
      for (const member of members) machines.push(readMachine(member, name, common));
    }
    return machines;
  }

  /** Undefined for a machine that does not run, or has no primary interface. */
  async #target(machine: Machine, signal: AbortSignal): Promise<ReadonlyMap<string, string> | undefined> {
    const { api, cache, logger, metrics } = this.#tools;
    for (const id of machine.interfaces) {
      let addresses = cache.get(id);
      if (addresses === undefined) {
        const answer = await api.networkInterface(resourceOf(id), machine, signal);
        if (answer === undefined) {
          logger.warn("Network interface does not exist", { name: id });
          return undefined;
        }
        addresses = readInterface(answer, machine.name);
        cache.set(id, addresses);
      } else {
        metrics.azureCacheHits?.inc();
      }
      if (addresses.kind === "deallocated") return undefined;
      if (addresses.kind === "primary") return machineTarget(machine, addresses, this.#body.port);
    }
    return undefined;
  }
}

async function explained<T>(what: string, work: Promise<T>): Promise<T> {
  try {
    return await work;
  } catch (error) {
    throw new Error(`${what}: ${(error as Error).message}`, { cause: error });
  }
}
