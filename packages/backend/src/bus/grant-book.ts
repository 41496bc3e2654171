import { parsePattern, TopicInvalidError } from '@aico/protocol';
import { BusGrantExistsError, BusGrantInvalidError, BusGrantUnknownError } from './errors.ts';
import type { BusGrant, GrantsFile } from './grants-file.ts';
import { isReserved } from './rights.ts';

const NAME = /^[A-Za-z0-9][A-Za-z0-9_-]{0,63}$/;
const MOST_PATTERNS = 256;
const MOST_GRANTS = 1_024;

/** What a grant is made of. */
export interface GrantRequest {
  readonly component: string;
  readonly publicKey: string;
  /** What it may do; when renewed without any, what it might before. */
  readonly publish: readonly string[] | undefined;
  readonly subscribe: readonly string[] | undefined;
  /** Replaces the key of a component that has access. */
  readonly renew: boolean;
}

/** The grants there are; every change is on disk before it holds, and `onChange` makes it hold at once. */
export class GrantBook {
  readonly #file: GrantsFile;
  readonly #isKey: (text: string) => boolean;
  readonly #onChange: () => void;
  #grants: readonly BusGrant[] = [];
  #last: Promise<unknown> = Promise.resolve();

  constructor(file: GrantsFile, isKey: (text: string) => boolean, onChange: () => void) {
    this.#file = file;
    this.#isKey = isKey;
    this.#onChange = onChange;
  }

  get grants(): readonly BusGrant[] {
    return this.#grants;
  }

  /** @throws {BusGrantsDamagedError} */
  async load(): Promise<void> {
    this.#grants = await this.#file.read();
  }

  /** @throws {BusGrantExistsError} @throws {BusGrantUnknownError} @throws {BusGrantInvalidError} */
  async grant({ component, publicKey, publish, subscribe, renew }: GrantRequest): Promise<BusGrant> {
    return await this.#inTurn(async () => {
      const present = this.#grants.find((grant) => grant.component === component);
      if (present !== undefined && !renew) throw new BusGrantExistsError(component);
      if (present === undefined && renew) throw new BusGrantUnknownError(component);
      const now = new Date().toISOString();
      const grant: BusGrant = {
        component,
        publicKey,
        publish: [...(publish ?? present?.publish ?? [])],
        subscribe: [...(subscribe ?? present?.subscribe ?? [])],
        createdAt: present?.createdAt ?? now,
        keyCreatedAt: now,
      };
      this.#refuse(grant);
      const others = this.#grants.filter((each) => each.component !== component);
      if (others.some((each) => each.publicKey === publicKey))
        throw new BusGrantInvalidError(component, 'another component has this key');
      if (others.length >= MOST_GRANTS) throw new BusGrantInvalidError(component, 'there are too many');
      await this.#replace([...others, grant]);
      return grant;
    });
  }

  /** @throws {BusGrantUnknownError} */
  async revoke(component: string): Promise<void> {
    await this.#inTurn(async () => {
      const left = this.#grants.filter((grant) => grant.component !== component);
      if (left.length === this.#grants.length) throw new BusGrantUnknownError(component);
      await this.#replace(left);
    });
  }

  #refuse({ component, publicKey, publish, subscribe }: BusGrant): void {
    if (!NAME.test(component)) throw new BusGrantInvalidError(component, 'that is no name');
    if (!this.#isKey(publicKey)) throw new BusGrantInvalidError(component, 'the public key is none');
    if (publish.length + subscribe.length > MOST_PATTERNS)
      throw new BusGrantInvalidError(component, `it has more than ${MOST_PATTERNS} patterns`);
    for (const pattern of [...publish, ...subscribe]) {
      if (isReserved(pattern))
        throw new BusGrantInvalidError(component, `"${pattern}" is one of the bus's own topics`);
      try {
        parsePattern(pattern);
      } catch (error) {
        if (!(error instanceof TopicInvalidError)) throw error;
        throw new BusGrantInvalidError(component, error.message);
      }
    }
  }

  async #replace(grants: readonly BusGrant[]): Promise<void> {
    await this.#file.write(grants);
    this.#grants = grants;
    this.#onChange();
  }

  async #inTurn<T>(work: () => Promise<T>): Promise<T> {
    const turn = this.#last.then(work);
    this.#last = turn.catch(() => undefined);
    return await turn;
  }
}
