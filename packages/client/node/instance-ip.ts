// Telling the instances of a job apart by their address.
import { networkInterfaces } from "node:os";

/** `{ instance: ADDRESS }` with the first address of this machine that is not its own loop, or the loop's. For groupings of pushes. */
export function instanceIpGroupingKey(): { instance: string } {
  const addresses = Object.values(networkInterfaces()).flatMap((found) => found ?? []);
  const outside = addresses.filter(({ internal }) => !internal);
  const best = outside.find(({ family }) => family === "IPv4") ?? outside[0];
  return { instance: best?.address ?? "127.0.0.1" };
}
