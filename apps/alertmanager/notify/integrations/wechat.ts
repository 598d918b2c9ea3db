// WeChat Work: a token is fetched first, and kept for two hours.
import type { ConfigUrl, HttpClientConfig } from "@narthex/toolkit";
import type { Alert } from "../../alert/alert.ts";
import type { WechatConfig } from "../../config/receivers/wechat.ts";
import { goJson } from "../../template/go-json.ts";
import type { Answer, Delivery, Notifier } from "../delivery.ts";
import { NotifyError, reasonOfStatus } from "../reason.ts";
import {
  answerOf,
  dataOf,
  type Expand,
  expander,
  type NotifierEnvironment,
  orNone,
  readSecretFile,
  Sender,
} from "./common.ts";
import { join } from "./opsgenie.ts";

const TOKEN_MS = 2 * 3_600_000;
const TOKEN_EXPIRED = 42_001;

export class WechatNotifier implements Notifier {
  readonly #config: WechatConfig;
  readonly #environment: NotifierEnvironment;
  readonly #sender: Sender;
  #token = "";
  #tokenAtMs = 0;

  constructor(config: WechatConfig, environment: NotifierEnvironment) {
    this.#config = config;
    this.#environment = environment;
    this.#sender = new Sender(config.httpConfig as HttpClientConfig, environment.clock);
  }

  async notify(delivery: Delivery, alerts: readonly Alert[]): Promise<Answer> {
    const config = this.#config;
    const expand = expander(this.#environment, dataOf(this.#environment, delivery, alerts));
    const now = this.#environment.clock.now();
    if (this.#token === "" || now - this.#tokenAtMs > TOKEN_MS) {
      this.#token = await this.#fetchToken(delivery, expand);
      this.#tokenAtMs = now;
    }
    const content = { content: expand(config.message) };
    const isMarkdown = config.messageType === "markdown";
    const body = {
      text: isMarkdown ? { content: "" } : content,
      touser: orNone(expand(config.toUser)),
      toparty: orNone(expand(config.toParty)),
      totag: orNone(expand(config.toTag)),
      agentid: orNone(expand(config.agentId)),
      safe: "0",
      msgtype: config.messageType,
      markdown: isMarkdown ? content : { content: "" },
    };
    const url = join(config.apiUrl as ConfigUrl, `message/send?access_token=${encodeURIComponent(this.#token)}`);
    const answer = await this.#sender.exchange(url, `${goJson(body)}\n`, delivery, { contentType: "application/json" });
    if (answer.status !== 200)
      throw new NotifyError(`unexpected status code ${answer.status}`, {
        retry: true,
        reason: reasonOfStatus(answer.status),
      });
    this.#judge(answer.text);
    return answerOf(answer);
  }

  close(): void {
    this.#sender.close();
  }

  async #fetchToken(delivery: Delivery, expand: Expand): Promise<string> {
    const { apiSecret, apiSecretFile, corpId, apiUrl } = this.#config;
    const secret = apiSecretFile === "" ? apiSecret.reveal() : readSecretFile(apiSecretFile, "");
    const parameters = new URLSearchParams({ corpid: expand(corpId), corpsecret: expand(secret) });
    const url = join(apiUrl as ConfigUrl, `gettoken?${parameters}`);
    const { text } = await this.#sender.exchange(url, undefined, delivery, { method: "GET" });
    let token: unknown;
    try {
      token = (JSON.parse(text) as { access_token?: unknown }).access_token;
    } catch (error) {
      throw new NotifyError((error as Error).message, { cause: error });
    }
    if (typeof token === "string" && token !== "") return token;
    throw new NotifyError(`invalid APISecret for CorpID: ${corpId}`);
  }

  #judge(text: string): void {
    let said: { errcode?: unknown; errmsg?: unknown };
    try {
      said = JSON.parse(text) as typeof said;
    } catch (error) {
      throw new NotifyError((error as Error).message, { retry: true, cause: error });
    }
    const code = Number(said.errcode ?? 0);
    if (code === 0) return;
    if (code === TOKEN_EXPIRED) this.#token = "";
    throw new NotifyError(String(said.errmsg ?? ""), { retry: code === TOKEN_EXPIRED });
  }
}
