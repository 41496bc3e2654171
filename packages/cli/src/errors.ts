import { AicoError, defineError, reasonOf } from '@aico/protocol';

/** The command completed, and reports that the backend is unhealthy or refused. */
export class CommandFailedError extends defineError({
  code: 'AICO_CLI_FAILED',
  make: (message: string, exitCode: number, hint?: string) => ({ message, hint, exitCode }),
}) {}

/** The failure of a background start, as its process reported it. */
interface DetachedFailure {
  readonly message: string;
  readonly exitCode: number;
  readonly code?: string | undefined;
  readonly hint?: string | undefined;
}

/** A background start ended before the backend was ready. The error has the message and code of that process. */
export class DetachedStartError extends defineError({
  code: 'AICO_CLI_DETACHED',
  make: ({ message, exitCode, code = 'AICO_CLI_DETACHED', hint }: DetachedFailure) => ({
    message,
    hint,
    code,
    exitCode,
  }),
}) {}

/** The commands of a plugin could not be loaded. */
export class PluginCommandsError extends defineError({
  code: 'AICO_CLI_PLUGIN',
  hint: "The plugin's package must export `commands` from './cli'.",
  make: (plugin: string, cause: unknown) => {
    const reason = reasonOf(cause);
    return { message: `the commands of plugin "${plugin}" could not be loaded: ${reason}`, cause };
  },
}) {}

/** This machine is not paired with a backend of that name or address. */
export class RemoteUnknownError extends defineError({
  code: 'AICO_CLI_REMOTE_UNKNOWN',
  make: (name: string, known: readonly string[]) => ({
    message: `this machine is not paired with a backend called "${name}"`,
    hint:
      known.length === 0
        ? 'It is paired with none. Pair it: `aico device pair` there, `aico device join ADDRESS` here.'
        : `Known: ${known.join(', ')}. Another is paired with: aico device join ADDRESS`,
  }),
}) {}

/** The stored credentials for another backend cannot be read. */
export class RemoteUnreadableError extends defineError({
  code: 'AICO_CLI_REMOTE_UNREADABLE',
  hint: 'Restore a copy of the file, or remove it and pair again.',
  make: (file: string, cause: unknown) => {
    const reason = reasonOf(cause);
    return { message: `${file} cannot be used: ${reason}`, cause };
  },
}) {}

/** The command line is not valid. */
export class UsageError extends defineError({
  code: 'AICO_CLI_USAGE',
  exit: 'usage',
  make: (message: string, hint?: string, cause?: unknown) => ({ message, hint, cause }),
}) {}

/** The backend stopped answering while it granted access to the bus. */
export class GrantUncertainError extends defineError({
  code: 'AICO_CLI_GRANT_UNCERTAIN',
  make: (component: string, file: string, cause: unknown) => ({
    message: `the backend did not answer, so it is not known whether "${component}" has access`,
    hint: `Its credential is ${file}. See \`aico bus list\`: where the component is missing or its key is older, remove the file and repeat the grant.`,
    cause,
  }),
}) {}

/** A component has its new key, but its credential file could not be renamed. */
export class CredentialNotPlacedError extends defineError({
  code: 'AICO_CLI_CREDENTIAL',
  make: (component: string, prepared: string, file: string, cause: unknown) => {
    const reason = reasonOf(cause);
    return {
      message: `"${component}" has its new key, but its credential is not in place: ${reason}`,
      hint: `The credential is in ${prepared}, or in ${file} already: move the file yourself.`,
      cause,
    };
  },
}) {}

/** A change failed; the message says whether it is in force. */
export class ChangeFailedError extends defineError({
  code: 'AICO_CLI_CHANGE_FAILED',
  make: (state: string, cause: unknown) => ({
    message: `${reasonOf(cause)}. ${state}`,
    hint: cause instanceof AicoError ? cause.hint : undefined,
    cause,
  }),
}) {}

/** The folder for a new plugin has files already. Nothing was written. */
export class FolderInUseError extends defineError({
  code: 'AICO_CLI_FOLDER_IN_USE',
  hint: 'Name another folder by --folder DIR, or empty this one.',
  make: (folder: string, state: string) => ({
    message: `${folder} ${state}, so no plugin is made there`,
    folder,
  }),
}) {}

/** The folder of a new plugin could not be made. Nothing of it is left. */
export class PluginNotMadeError extends defineError({
  code: 'AICO_CLI_PLUGIN_NOT_MADE',
  hint: 'Name a folder by --folder DIR in which you may write, on a disk with room.',
  make: (folder: string, cause: unknown) => ({
    message: `the plugin could not be made in ${folder}: ${reasonOf(cause)}`,
    cause,
  }),
}) {}

/** This machine is a node already. */
export class NodeAlreadyError extends defineError({
  code: 'AICO_CLI_NODE_ALREADY',
  exit: 'home',
  hint: 'Start it: aico start. To join another home, name an empty one with --home DIR.',
  make: (file: string) => ({ message: `this home is a node already: it has ${file}` }),
}) {}

/** A machine joins with an empty home, since the data of two homes cannot be merged. */
export class HomeNotEmptyError extends defineError({
  code: 'AICO_CLI_HOME_NOT_EMPTY',
  exit: 'home',
  hint: 'Name an empty home with --home DIR. The data of this home is not carried over.',
  make: (file: string) => ({ message: `this home is in use: it has ${file}` }),
}) {}

/** The backend refused the code of an invitation. */
export class InvitationRefusedError extends defineError({
  code: 'AICO_CLI_INVITATION_REFUSED',
  hint: 'Make a new one on a node of the home (`aico node invite`), and copy it whole.',
  make: (cause: unknown) => ({
    message: 'the invitation is refused: it is mistyped, was used already, or its five minutes are over',
    cause,
  }),
}) {}
