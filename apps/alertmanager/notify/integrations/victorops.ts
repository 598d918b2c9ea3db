// VictorOps (Splunk On-Call).
import type { ConfigUrl, HttpClientConfig } from "@narthex/toolkit";
import type { Alert } from "../../alert/alert.ts";
import type { VictoropsConfig } from "../../config/receivers/victorops.ts";
import { type Answer, type Delivery, keyHash, type Notifier } from "../delivery.ts";
import { NotifyError } from "../reason.ts";
import {
  allResolved,
  answerOf,
  cutRunes,
  dataOf,
  expander,
  type NotifierEnvironment,
  readSecretFile,
  Sender,
} from "./common.ts";
import { join } from "./opsgenie.ts";

const MAX_MESSAGE_RUNES = 20_480;
const TYPES = ["INFO", "WARNING", "CRITICAL"];

export class VictoropsNotifier implements Notifier {
  readonly #config: VictoropsConfig;
  readonly #environment: NotifierEnvironment;
  readonly #sender: Sender;

  constructor(config: VictoropsConfig, environment: NotifierEnvironment) {
    this.#config = config;
    this.#environment = environment;
    this.#sender = new Sender(config.httpConfig as HttpClientConfig, environment.clock);
  }

  async notify(delivery: Delivery, alerts: readonly Alert[]): Promise<Answer> {
    const config = this.#config;
    const data = dataOf(this.#environment, delivery, alerts);
    const plain = expander(this.#environment, data);
    const expand = (source: string): string => {
      try {
        return plain(source);
      } catch (error) {
        throw new NotifyError(`templating error: ${(error as Error).message}`, { cause: error });
      }
    };
    const key = config.apiKey.isEmpty
      ? readSecretFile(config.apiKeyFile, "failed to read API key from file: ")
      : config.apiKey.reveal();
    const written = expand(config.messageType);
    const message = new Map([
      ["message_type", allResolved(data) ? "RECOVERY" : TYPES.includes(written) ? written : "CRITICAL"],
      ["entity_id", keyHash(delivery.groupKey)],
      ["entity_display_name", expand(config.entityDisplayName)],
      ["state_message", cutRunes(expand(config.stateMessage), MAX_MESSAGE_RUNES)],
      ["monitoring_tool", expand(config.monitoringTool)],
    ]);
    for (const [name, value] of config.customFields) message.set(name, expand(value));
    const url = join(config.apiUrl as ConfigUrl, `${key}/${encodeURI(expand(config.routingKey))}`);
    return answerOf(await this.#sender.postJson(url, message, delivery));
  }

  close(): void {
    this.#sender.close();
  }
}
