// What the configurations of all receivers share.
import type { Codec, HttpClientConfig, YamlReader } from "@narthex/toolkit";
import { yamlCodec } from "@narthex/toolkit";
import type { GlobalConfig } from "../global.ts";
import { httpConfig } from "../http.ts";
import { type KeySpec, preset } from "../keys.ts";

const { bool, optional } = yamlCodec;

/** One integration of a receiver. */
export interface NotifierConfig {
  /** Whether alerts that are over are told, too. */
  readonly sendResolved: boolean;
}

/** One that is reached over HTTP. `httpConfig` is there once globals were inherited. */
export interface HttpNotifierConfig extends NotifierConfig {
  readonly httpConfig: HttpClientConfig | undefined;
}

export type Writable<T> = { -readonly [K in keyof T]: T[K] };

/** The keys that come first in each of them. */
export function commonKeys(sendResolved: boolean): { readonly send_resolved: KeySpec; readonly http_config: KeySpec } {
  return { send_resolved: preset(bool, sendResolved, true), http_config: { codec: optional(httpConfig) } };
}

/** Takes what a configuration leaves open from the globals; reports what is nowhere to be found. */
export type Inherit<C> = (config: Writable<C>, global: GlobalConfig, reader: YamlReader) => void;

/** One kind of integration: its key in a receiver, how it is read, and how it takes over globals. */
export interface ReceiverKind<C extends NotifierConfig> {
  /** The name in metrics, logs and the notification log. */
  readonly name: string;
  readonly codec: Codec<C>;
  readonly inherit: Inherit<C>;
  /** What to say about a null in the list. */
  readonly nullItem?: string;
}

/** Refuses to have one thing given twice. Tells whether all is well. */
export function refuseBoth(
  config: object,
  reader: YamlReader,
  given: readonly [key: string, isGiven: boolean],
  other: readonly [key: string, isGiven: boolean],
  message: string = `at most one of ${given[0]} & ${other[0]} must be configured`,
): boolean {
  if (!given[1] || !other[1]) return true;
  reader.invalid(reader.place(config, other[0]), message);
  return false;
}

/** Takes over the global `http_config` where there is none. */
export function inheritHttp(config: Writable<HttpNotifierConfig>, global: GlobalConfig): void {
  config.httpConfig ??= global.httpConfig;
}

/** The action that a default template is. */
export function named(template: string): string {
  return `{{ template "${template}" . }}`;
}
