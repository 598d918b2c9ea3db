export {
  type ListenerOptions,
  measureListener,
  measureResponse,
  type RequestEnd,
  type RequestMeter,
} from "./measure-response.ts";
export { answerMetrics, type EncodedPage, encodedPage } from "./metrics-answer.ts";
