import { AicoError } from '@aico/protocol';
import { WriteUnconfirmedError } from '../core/paths/index.ts';
import {
  CredentialWrongError,
  KeyFileWrongError,
  KeyringWrongError,
  PasswordWrongError,
  RecoveryCodeWrongError,
} from './errors.ts';
import type { KeyEvent, Unconfirmed } from './key-manager-options.ts';

/** Errors of an attempt with a key that opens nothing. Others are mistakes in typing, or attempts that were not considered. */
const WRONG_KEYS = [
  PasswordWrongError,
  RecoveryCodeWrongError,
  KeyFileWrongError,
  KeyringWrongError,
  CredentialWrongError,
] as const;

/** Reports changes of the keys and failed attempts to unlock them. */
export class KeyEvents {
  readonly report: (event: KeyEvent) => void | Promise<void>;

  constructor(report: (event: KeyEvent) => void | Promise<void> = () => {}) {
    this.report = report;
  }

  /** Reports a change once it is made, also if the disk did not confirm it: it may be in force then. */
  async after<T>(change: Promise<T>, event: (confirmation: Unconfirmed) => KeyEvent): Promise<T> {
    let result: T;
    try {
      result = await change;
    } catch (error) {
      if (error instanceof WriteUnconfirmedError) await this.report(event({ unconfirmed: true }));
      throw error;
    }
    await this.report(event({}));
    return result;
  }

  /** Reports an attempt that fails because a key opens nothing. */
  async attempt<T>(opening: Promise<T>): Promise<T> {
    try {
      return await opening;
    } catch (error) {
      if (error instanceof AicoError && WRONG_KEYS.some((wrong) => error instanceof wrong))
        await this.report({ action: 'keys.unlocked', outcome: 'failed', details: { code: error.code } });
      throw error;
    }
  }
}
