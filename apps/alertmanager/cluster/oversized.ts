// Messages too long for packets: each goes to every other member by a stream, one message after the other.

/** Messages that wait; more are dropped, and a full exchange of states brings what they would have. */
const MAX_WAITING = 200;

export interface OversizedOptions<Member> {
  readonly members: () => readonly Member[];
  readonly tell: (message: Uint8Array, to: Member) => Promise<void>;
  readonly onSending: () => void;
  readonly onSent: (seconds: number) => void;
  readonly onFailed: (to: Member, error: Error) => void;
  readonly onDropped: () => void;
  /** Milliseconds. */
  readonly now: () => number;
}

export class Oversized<Member> {
  readonly #options: OversizedOptions<Member>;
  #waiting: Uint8Array[] = [];
  #isSending = false;

  constructor(options: OversizedOptions<Member>) {
    this.#options = options;
  }

  add(message: Uint8Array): void {
    if (this.#waiting.length >= MAX_WAITING) {
      this.#options.onDropped();
      return;
    }
    this.#waiting.push(message);
    if (!this.#isSending) void this.#send();
  }

  async #send(): Promise<void> {
    const { members, tell, onSending, onSent, onFailed, now } = this.#options;
    this.#isSending = true;
    for (let message = this.#waiting.shift(); message !== undefined; message = this.#waiting.shift()) {
      const current = message;
      await Promise.all(
        members().map(async (member) => {
          onSending();
          const startMs = now();
          try {
            await tell(current, member);
            onSent((now() - startMs) / 1000);
          } catch (error) {
            onFailed(member, error as Error);
          }
        }),
      );
    }
    this.#isSending = false;
  }
}
