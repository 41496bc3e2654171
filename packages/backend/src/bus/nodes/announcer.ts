import type { InterestChange } from './interests.ts';
import { type Interest, inParts, interest, LinkFrame } from './link-frames.ts';

/** Announces the interests of this node to a peer, and knows how far the peer has put them in force. */
export class Announcer {
  readonly #send: (frame: Buffer) => void;
  #sent = 0;
  #taken = 0;
  #waiting: { readonly number: number; readonly resolve: () => void }[] = [];

  constructor(send: (frame: Buffer) => void) {
    this.#send = send;
  }

  /** The number of the last announcement. */
  get sent(): number {
    return this.#sent;
  }

  announce(changes: readonly InterestChange[]): void {
    for (const part of inParts(changes)) this.#write('no', part);
  }

  /** Announces all interests, which replace those that the peer knows. */
  announceAll(all: readonly InterestChange[]): void {
    const parts = inParts(all);
    for (const [index, part] of parts.entries()) {
      const isLast = index === parts.length - 1;
      if (index === 0) this.#write(isLast ? 'only' : 'begins', part);
      else this.#write(isLast ? 'ends' : 'goes-on', part);
    }
  }

  /** Called when the peer has put an announcement and all before it in force. */
  taken(number: number): void {
    this.#taken = Math.max(this.#taken, number);
    this.#settle((each) => each.number <= this.#taken);
  }

  /** Resolves when the peer has put everything announced so far in force, or cannot be reached; `undefined` if it has. */
  settled(): Promise<void> | undefined {
    if (this.#taken >= this.#sent) return undefined;
    return new Promise((resolve) => this.#waiting.push({ number: this.#sent, resolve }));
  }

  /** Ends all waiting, since the peer cannot be reached. */
  release(): void {
    this.#settle(() => true);
  }

  #settle(isOver: (waiting: { readonly number: number }) => boolean): void {
    const over = this.#waiting.filter(isOver);
    this.#waiting = this.#waiting.filter((each) => !isOver(each));
    for (const { resolve } of over) resolve();
  }

  #write(whole: Interest['whole'], changes: readonly InterestChange[]): void {
    this.#sent += 1;
    this.#send(interest.write(LinkFrame.INTEREST, { number: this.#sent, whole, changes: [...changes] }));
  }
}
