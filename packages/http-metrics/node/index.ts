export {
  type ListenerOptions,
  measureListener,
  measureResponse,
  type RequestEnd,
  type RequestMeter,
} from "./measure-response.ts";
export { answerMetrics } from "./metrics-answer.ts";
