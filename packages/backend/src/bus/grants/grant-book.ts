import { parsePattern, TopicInvalidError } from '@aico/protocol';
import { whyNotPublish, whyNotSubscribe } from '@aico/shared/core/bus';
import { WriteUnconfirmedError } from '@aico/shared/core/paths';
import { createMutex } from '@aico/shared/core/tasks';
import type { SecurityEvent } from '@aico/shared/data/audit';
import { BusGrantExistsError, BusGrantInvalidError, BusGrantUnknownError } from '../errors.ts';
import type { BusGrant, GrantsFile } from './grants-file.ts';

const NAME = /^[A-Za-z0-9][A-Za-z0-9_-]{0,63}$/;
const MOST_PATTERNS = 256;
const MOST_GRANTS = 1_024;

/** A request for a grant. */
interface GrantRequest {
  readonly component: string;
  readonly publicKey: string;
  /** The topics it may use; a renewal without any keeps the previous ones. */
  readonly publish: readonly string[] | undefined;
  readonly subscribe: readonly string[] | undefined;
  /** Replaces the key of a component that has access. */
  readonly renew: boolean;
}

/**
 * The grants of the home. A grant is on the disk before it takes effect; a revocation takes effect even if the disk does not
 * confirm it. `onChange` applies changes at once and records them.
 */
export class GrantBook {
  readonly #file: GrantsFile;
  readonly #isKey: (text: string) => boolean;
  readonly #onChange: (event: SecurityEvent) => unknown;
  #grants: readonly BusGrant[] = [];
  readonly #exclusive = createMutex();

  constructor(
    file: GrantsFile,
    isKey: (text: string) => boolean,
    onChange: (event: SecurityEvent) => unknown,
  ) {
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
    return await this.#exclusive(async () => {
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
      await this.#write([...others, grant]);
      const details = { publish: grant.publish, subscribe: grant.subscribe, renewed: renew };
      await this.#adopt([...others, grant], { action: 'bus.granted', subject: component, details });
      return grant;
    });
  }

  /** @throws {BusGrantUnknownError} */
  async revoke(component: string): Promise<void> {
    await this.#exclusive(async () => {
      const event = { action: 'bus.revoked', subject: component } as const;
      const left = this.#grants.filter((grant) => grant.component !== component);
      if (left.length === this.#grants.length) throw new BusGrantUnknownError(component);
      try {
        await this.#file.write(left);
      } catch (error) {
        // The file already contains the change. Access ends now, and the error states that a power loss may restore it.
        if (error instanceof WriteUnconfirmedError) await this.#adopt(left, event);
        throw error;
      }
      await this.#adopt(left, event);
    });
  }

  #refuse({ component, publicKey, publish, subscribe }: BusGrant): void {
    if (!NAME.test(component)) throw new BusGrantInvalidError(component, 'that is no name');
    if (!this.#isKey(publicKey)) throw new BusGrantInvalidError(component, 'the public key is none');
    if (publish.length + subscribe.length > MOST_PATTERNS)
      throw new BusGrantInvalidError(component, `it has more than ${MOST_PATTERNS} patterns`);
    for (const [patterns, whyNot] of [
      [publish, whyNotPublish],
      [subscribe, whyNotSubscribe],
    ] as const)
      for (const pattern of patterns) {
        const reserved = whyNot(pattern);
        if (reserved !== undefined)
          throw new BusGrantInvalidError(component, `"${pattern}" is reserved: ${reserved}`);
      }
    for (const pattern of [...publish, ...subscribe]) {
      try {
        parsePattern(pattern);
      } catch (error) {
        if (!(error instanceof TopicInvalidError)) throw error;
        throw new BusGrantInvalidError(component, error.message);
      }
    }
  }

  /** Writes grants that take effect once they are durable; otherwise the previous file is restored. */
  async #write(grants: readonly BusGrant[]): Promise<void> {
    try {
      await this.#file.write(grants);
    } catch (error) {
      if (!(error instanceof WriteUnconfirmedError)) throw error;
      // The file contains grants that must not take effect, so the present ones are written back. If that fails, the first
      // error is thrown.
      await this.#file.write(this.#grants).catch(() => undefined);
      throw error;
    }
  }

  async #adopt(grants: readonly BusGrant[], event: SecurityEvent): Promise<void> {
    this.#grants = grants;
    await this.#onChange(event);
  }
}
