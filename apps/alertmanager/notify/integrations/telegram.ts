// Telegram, by its bot interface.
import type { ConfigUrl, HttpClientConfig } from "@narthex/toolkit";
import type { Alert } from "../../alert/alert.ts";
import type { TelegramConfig } from "../../config/receivers/telegram.ts";
import { goJson } from "../../template/go-json.ts";
import type { Answer, Delivery, Notifier } from "../delivery.ts";
import { NotifyError, reasonOfStatus } from "../reason.ts";
import {
  answerOf,
  cutRunes,
  dataOf,
  expander,
  htmlExpander,
  type NotifierEnvironment,
  readSecretFile,
  Sender,
} from "./common.ts";

const MAX_MESSAGE_RUNES = 4096;
/** HTML cannot be cut anywhere. */
const TOO_LONG =
  "Alertmanager notification could not be sent: message length exceeds Telegram limits.\n\t\t\tPlease check the template used for producing the message content.";

export class TelegramNotifier implements Notifier {
  readonly #config: TelegramConfig;
  readonly #environment: NotifierEnvironment;
  readonly #sender: Sender;

  constructor(config: TelegramConfig, environment: NotifierEnvironment) {
    this.#config = config;
    this.#environment = environment;
    this.#sender = new Sender(config.httpConfig as HttpClientConfig, environment.clock);
  }

  async notify(delivery: Delivery, alerts: readonly Alert[]): Promise<Answer> {
    const config = this.#config;
    // All values are texts, and what is empty is left out.
    const body = new Map([
      ["chat_id", this.#chatId()],
      ["text", this.#message(delivery, alerts)],
      ["disable_web_page_preview", "true"],
      ...(config.messageThreadId === 0 ? [] : ([["message_thread_id", String(config.messageThreadId)]] as const)),
      ...(config.disableNotifications ? ([["disable_notification", "true"]] as const) : []),
      ...(config.parseMode === "" ? [] : ([["parse_mode", config.parseMode]] as const)),
    ]);
    const url = `${(config.apiUrl as ConfigUrl).reveal()}/bot${this.#token()}/sendMessage`;
    const answer = await this.#sender.exchange(url, `${goJson(body)}\n`, delivery, { contentType: "application/json" });
    judge(answer.text);
    return answerOf(answer);
  }

  close(): void {
    this.#sender.close();
  }

  #message(delivery: Delivery, alerts: readonly Alert[]): string {
    const { message, parseMode } = this.#config;
    const data = dataOf(this.#environment, delivery, alerts);
    if (parseMode !== "HTML") return cutRunes(expander(this.#environment, data)(message), MAX_MESSAGE_RUNES);
    const html = htmlExpander(this.#environment, data)(message);
    return [...html].length > MAX_MESSAGE_RUNES ? TOO_LONG : html;
  }

  #token(): string {
    const { botToken, botTokenFile } = this.#config;
    return botTokenFile === "" ? botToken.reveal() : readSecretFile(botTokenFile, `could not read ${botTokenFile}: `);
  }

  #chatId(): string {
    const { chatId, chatIdFile } = this.#config;
    if (chatIdFile === "") return String(chatId);
    const text = readSecretFile(chatIdFile, `could not read ${chatIdFile}: `);
    if (/^[-+]?\d+$/.test(text)) return text;
    throw new NotifyError(`could not parse chat_id from ${chatIdFile}: ${JSON.stringify(text)} is no number`, {
      retry: true,
    });
  }
}

/** Every failure is worth another attempt, as in the reference. */
function judge(text: string): void {
  let said: { ok?: unknown; error_code?: unknown; description?: unknown };
  try {
    said = JSON.parse(text) as typeof said;
  } catch (error) {
    throw new NotifyError(`telegram: ${(error as Error).message}`, { retry: true, cause: error });
  }
  if (said.ok === true) return;
  const code = Number(said.error_code ?? 0);
  const message = `telegram: ${String(said.description ?? "unknown error")} (${code})`;
  throw new NotifyError(message, { retry: true, reason: reasonOfStatus(code) });
}
