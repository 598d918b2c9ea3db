// Targets that run as machines of EC2.
import { xmlList, xmlText } from "@narthex/toolkit";
import type { Discoverer, DiscovererContext } from "../discoverer.ts";
import { RefreshDiscoverer } from "../refresh-discoverer.ts";
import { Ec2Api } from "./ec2-api.ts";
import type { Ec2DiscoveryBody } from "./ec2-body.ts";
import { ec2Target } from "./ec2-target.ts";

/** Asks EC2 for its machines at every interval. */
export function ec2Discoverer(
  body: Ec2DiscoveryBody,
  context: DiscovererContext,
  environment: Readonly<Record<string, string | undefined>> = process.env,
): Discoverer {
  const { clock, logger, setName } = context;
  const api = new Ec2Api(body, () => clock.now(), environment);
  let zoneIds: ReadonlyMap<string, string> | undefined;
  let hasWarned = false;
  const refresh = async (signal: AbortSignal) => {
    const region = await api.region(signal);
    if (zoneIds === undefined) {
      try {
        zoneIds = await api.zoneIds(signal);
      } catch (error) {
        if (signal.aborted) throw error;
        // Not everybody who may list machines may list zones.
        const attributes = { discovery: "ec2", config: setName, err: (error as Error).message };
        if (!hasWarned) logger.warn("Unable to describe availability zones", attributes);
        hasWarned = true;
      }
    }
    const targets: ReadonlyMap<string, string>[] = [];
    for (const reservation of await described(api.reservations(signal))) {
      const ownerId = xmlText(reservation, "ownerId");
      for (const instance of xmlList(reservation, "item", "instancesSet")) {
        const around = { region, ownerId, zoneIds: zoneIds ?? new Map<string, string>(), port: body.port };
        const target = ec2Target(instance, around);
        if (target !== undefined) targets.push(target);
      }
    }
    return [{ source: region, labels: new Map<string, string>(), targets }];
  };
  return new RefreshDiscoverer("ec2", body.refreshIntervalMs, context, refresh, () => api.close());
}

/** One kind of things at AWS: those of a role. Throws for roles that are not there. */
export function awsDiscoverer(
  body: Ec2DiscoveryBody & { readonly role: string },
  context: DiscovererContext,
): Discoverer {
  if (body.role !== "ec2") {
    throw new Error(`aws service discovery of role ${body.role} is not supported by this version`);
  }
  return ec2Discoverer(body, context);
}

async function described<T>(list: Promise<T>): Promise<T> {
  try {
    return await list;
  } catch (error) {
    throw new Error(`could not describe instances: ${(error as Error).message}`, { cause: error });
  }
}
