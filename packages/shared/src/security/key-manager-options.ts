import type { Logger } from '../core/logging/types.ts';
import { AICOPaths } from '../core/paths/index.ts';
import type { PasswordCost } from './passwords/password-key.ts';
import type { SlotKind } from './slots/slot-file.ts';
import type { Keyring } from './sources/os-keyring.ts';

export interface KeyManagerOptions {
  /** Where the slots are kept. */
  readonly slotsFile: string;
  /** Where the key file is, or would be. */
  readonly keyFile: string;
  /** The work one guess of a new password costs; never below the floor. Measured at setup when left out. */
  readonly passwordCost?: PasswordCost;
  /** The folder of the credentials handed to this unit; `$CREDENTIALS_DIRECTORY` when left out. */
  readonly credentials?: string;
  /** Opens the keyring, when a slot wants it; that of the operating system when left out. */
  readonly keyring?: () => Promise<Keyring>;
  /** Milliseconds since 1970; for what slows down failed tries. */
  readonly now?: () => number;
  readonly logger?: Logger;
}

/** The configuration of a home, as far as the key manager needs it: see `ConfigurationManager`. */
export interface ConfigurationPlaces {
  /** The folders and files of the home; those of the environment where it is left out. */
  readonly paths?: Pick<AICOPaths, 'keySlotsFile' | 'keyFile'> | object | undefined;
}

/** Options as they are, or from the configuration: the slot file and the key file of its home. */
export function optionsFrom(source: KeyManagerOptions | ConfigurationPlaces): KeyManagerOptions {
  if ('slotsFile' in source) return source;
  const { keySlotsFile, keyFile } = source.paths instanceof AICOPaths ? source.paths : new AICOPaths();
  return { slotsFile: keySlotsFile, keyFile };
}

export interface SetUpOptions {
  readonly password?: string;
  /** Makes the key file (or takes the one that is there) and a slot for it. */
  readonly keyFile?: boolean;
  /** A code of `createRecoveryCode()`, as a further unlock method beside one of the others. */
  readonly recoveryCode?: string;
}

/** One slot as anyone may see it. */
export interface SlotInfo {
  readonly id: string;
  readonly kind: SlotKind;
  /** RFC 3339. */
  readonly createdAt: string;
  /** The work that one guess costs, of a password slot. */
  readonly cost?: PasswordCost;
}
