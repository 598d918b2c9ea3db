// The door for requests that are signed by the rules of a cloud: AWS (sigv4), Azure AD, Google IAM.
import type { RemoteWriteConfig } from "../config/types.ts";
import { awsSigner, azureSigner, googleSigner } from "./cloud-signers.ts";

/** A request that is about to be sent. */
export interface SignableRequest {
  readonly method: string;
  readonly url: URL;
  readonly headers: Readonly<Record<string, string | readonly string[]>>;
  readonly body: Uint8Array;
}

/** Signs the requests of one client, which closes it with itself. */
export interface RequestSigner {
  /** Resolves to headers to add, by which the receiver knows who sends. Rejects when there are none to be had: then it is tried again. */
  (request: SignableRequest): Promise<Readonly<Record<string, string>>>;
  /** Closes the connections over which credentials are fetched. */
  readonly close?: () => void;
}

/** The way of signing that a configuration asks for, by its key; undefined for none. */
export function signingOf({ sigv4, azureAd, googleIam }: RemoteWriteConfig): string | undefined {
  return sigv4 !== undefined
    ? "sigv4"
    : azureAd !== undefined
      ? "azuread"
      : googleIam !== undefined
        ? "google_iam"
        : undefined;
}

/** Makes the signer for a configuration of which `signingOf` is not undefined; undefined for a way that is not supported. */
export function makeSigner({ sigv4, azureAd, googleIam }: RemoteWriteConfig): RequestSigner | undefined {
  if (sigv4 !== undefined) return awsSigner(sigv4);
  if (azureAd !== undefined) return azureSigner(azureAd);
  return googleIam === undefined ? undefined : googleSigner(googleIam);
}
