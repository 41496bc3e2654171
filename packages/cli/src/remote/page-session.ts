import { randomBytes } from 'node:crypto';
import { isSame } from './forwarding.ts';

/** A secret that cannot be guessed. */
const secret = (): string => randomBytes(32).toString('base64url');

/**
 * The session of the page. The ticket, which is a part of the page's address, is exchanged once for the token that each request
 * carries. Another program of the machine may see the address, so a second exchange ends the session: one of the two readers of
 * the ticket is not the user.
 */
export class PageSession {
  readonly ticket: string = secret();
  readonly #token = secret();
  #state: 'new' | 'open' | 'ended' = 'new';

  /** The token; `undefined` where the ticket is wrong or was used before. */
  exchange(ticket: string): string | undefined {
    if (!isSame(ticket, this.ticket)) return undefined;
    this.#state = this.#state === 'new' ? 'open' : 'ended';
    return this.#state === 'open' ? this.#token : undefined;
  }

  accepts(token: string): boolean {
    return this.#state === 'open' && isSame(token, this.#token);
  }

  /** Whether the ticket was used twice. */
  get isEnded(): boolean {
    return this.#state === 'ended';
  }
}
