import type { Logger } from '../core/logging/types.ts';
import { AICOPaths } from '../core/paths/index.ts';
import type { NodeKey, SealedToNode } from './keys/node-key.ts';
import type { PasswordCost } from './passwords/password-key.ts';
import type { SlotKind } from './slots/slot-file.ts';
import type { Keyring } from './sources/os-keyring.ts';

/** The files of a key manager, and its limits. */
export interface KeyManagerOptions {
  /** The slot file. */
  readonly slotsFile: string;
  /** The key file, which need not exist. */
  readonly keyFile: string;
  /** The cost of guessing a new password; never below the floor. Default: measured at setup. */
  readonly passwordCost?: PasswordCost;
  /** The folder of the credentials passed to this unit. Default: `$CREDENTIALS_DIRECTORY`. */
  readonly credentials?: string;
  /** Opens the keyring when a slot needs it. Default: that of the operating system. */
  readonly keyring?: () => Promise<Keyring>;
  /** Milliseconds since 1970, for the rate limit of attempts. */
  readonly now?: () => number;
  readonly logger?: Logger;
  /** Called after each event, for an audit trail. The method that caused the event waits for it. It must not throw. */
  readonly onEvent?: ((event: KeyEvent) => void | Promise<void>) | undefined;
}

/** A change of the keys, or an attempt to unlock them. */
export type KeyEvent = {
  /** The id of the slot that was changed or opened. */
  readonly subject?: string | undefined;
  readonly outcome?: 'failed';
} & (
  | {
      readonly action: 'keys.created';
      readonly details: { readonly kinds: readonly SlotKind[] } & Unconfirmed;
    }
  | {
      readonly action: 'keys.unlocked';
      /** The kind of the opened slot, or the error code of the attempt. */
      readonly details: { readonly kind: SlotKind } | { readonly code: string };
    }
  | { readonly action: 'keys.slot_added'; readonly details: { readonly kind: SlotKind } & Unconfirmed }
  | {
      readonly action: 'keys.slot_removed' | 'keys.password_changed' | 'keys.database_key_rotated';
      readonly details: Unconfirmed;
    }
);

/** `true` where the disk did not confirm the change, which may still be in force. */
export type Unconfirmed = { readonly unconfirmed?: true };

/** The part of the configuration of a home that the key manager uses: see `ConfigurationManager`. */
export interface ConfigurationPlaces {
  /** The folders and files of the home. Default: those of the environment. */
  readonly paths?: Pick<AICOPaths, 'keySlotsFile' | 'keyFile'> | object | undefined;
}

/** Returns the options, or derives the slot file and the key file from the configuration. */
export function optionsFrom(source: KeyManagerOptions | ConfigurationPlaces): KeyManagerOptions {
  if ('slotsFile' in source) return source;
  const { keySlotsFile, keyFile } = source.paths instanceof AICOPaths ? source.paths : new AICOPaths();
  return { slotsFile: keySlotsFile, keyFile };
}

/** The unlock methods that new keys get. */
export interface SetUpOptions {
  readonly password?: string;
  /** Creates the key file, or uses an existing one, and a slot for it. */
  readonly keyFile?: boolean;
  /** A code of `createRecoveryCode()`, as a further unlock method beside one of the others. */
  readonly recoveryCode?: string;
  /** The root key of a home that this one becomes a node of, in place of a new one. */
  readonly root?: { readonly sealed: SealedToNode; readonly key: NodeKey };
}

/** The public description of a slot. */
export interface SlotInfo {
  readonly id: string;
  readonly kind: SlotKind;
  /** RFC 3339. */
  readonly createdAt: string;
  /** The cost of one guess, for a password slot. */
  readonly cost?: PasswordCost;
}
