export { type Clock, systemClock, type Timer } from "./clock.ts";
export {
  type ActiveTarget,
  type DroppedTarget,
  ScrapeManager,
  type ScrapeManagerConfig,
  type ScrapeManagerOptions,
} from "./scrape-manager.ts";
