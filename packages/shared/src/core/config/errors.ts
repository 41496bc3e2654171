import { defineError, reasonOf } from '@aico/protocol';
import { variableFor } from './variable.ts';

/** Where a value came from. */
export type Origin =
  | { readonly layer: 'default' }
  | {
      readonly layer: 'environment file' | 'user file';
      readonly file: string;
      /** From 1; absent for a whole file. */
      readonly line?: number;
      readonly column?: number;
    }
  | { readonly layer: 'environment variable'; readonly variable: string }
  | { readonly layer: 'runtime' };

/** One problem of the configuration. It names the kind of value that was found and never the value, which may be a secret. */
export interface ConfigProblem {
  /** Empty for a problem of a whole file. */
  readonly key: string;
  readonly message: string;
  readonly origin: Origin;
  /** The valid key nearest to an unknown one. */
  readonly nearest?: string;
}

/** Where a value stands, in the form that editors open: `file:line:column`. */
export function describeOrigin(origin: Origin): string {
  switch (origin.layer) {
    case 'environment file':
    case 'user file':
      return origin.line === undefined ? origin.file : `${origin.file}:${origin.line}:${origin.column ?? 1}`;
    case 'environment variable':
      return `environment variable ${origin.variable}`;
    case 'runtime':
      return 'set at runtime';
    case 'default':
      return 'default';
  }
}

/** A problem as one line: location, key, reason, and the nearest valid key. */
export function describeProblem({ key, message, origin, nearest }: ConfigProblem): string {
  const meant =
    nearest !== undefined && origin.layer === 'environment variable'
      ? `${variableFor(nearest)} (${nearest})`
      : nearest;
  const suggestion = meant === undefined ? '' : `; did you mean ${meant}?`;
  return `${describeOrigin(origin)}: ${key === '' ? '' : `${key} `}${message}${suggestion}`;
}

/** The configuration does not match its schema. Names all problems at once. */
export class ConfigInvalidError extends defineError({
  code: 'AICO_CONFIG_INVALID',
  exit: 'config',
  hint: 'Correct what is named above; `aico config validate` checks without starting, `aico config list` shows every key.',
  make: (problems: readonly ConfigProblem[]) => {
    const lines = problems.map((problem) => `  ${describeProblem(problem)}`);
    return { message: `the configuration is not valid:\n${lines.join('\n')}`, problems };
  },
}) {}

/** A configuration file is not YAML. Names every place in it. */
export class ConfigSyntaxError extends defineError({
  code: 'AICO_CONFIG_SYNTAX',
  exit: 'config',
  hint: 'The file must be YAML: keys and values, indented by spaces.',
  make: (problems: readonly ConfigProblem[]) => ({
    message: problems.map(describeProblem).join('\n'),
    problems,
  }),
}) {}

/** A configuration file exists and cannot be read. */
export class ConfigUnreadableError extends defineError({
  code: 'AICO_CONFIG_UNREADABLE',
  exit: 'config',
  hint: 'Make it a file that this user may read, or remove it: it is optional.',
  make: (file: string, layer: 'environment file' | 'user file', cause: unknown) => {
    const reason = reasonOf(cause);
    return {
      message: `cannot read ${file}: ${reason}`,
      cause,
      file,
      problems: [{ key: '', message: `cannot be read: ${reason}`, origin: { layer, file } }],
    };
  },
}) {}

/** Another command is changing the configuration file and does not finish. */
export class ConfigBusyError extends defineError({
  code: 'AICO_CONFIG_BUSY',
  exit: 'config',
  hint: 'Try again when it has finished. The lock ends with that command.',
  make: (file: string) => ({ message: `another command is changing ${file}`, file }),
}) {}

/** Code reads a value as one type, and the configuration holds another. */
export class ConfigTypeError extends defineError({
  code: 'AICO_CONFIG_TYPE',
  exit: 'config',
  hint: 'Describe the key in a schema (registerSection), so that a wrong value is found at start.',
  make: (key: string, expected: string, found: string) => ({
    message: `${key} holds ${found}, and the code that reads it expects ${expected}`,
    key,
  }),
}) {}

/** A key is empty, or has a name that JavaScript objects use themselves. */
export class ConfigKeyError extends defineError({
  code: 'AICO_CONFIG_KEY',
  exit: 'config',
  hint: 'Keys are words joined by dots: core.api_gateway.rest.port.',
  make: (key: string) => ({ message: `"${key}" is not a configuration key` }),
}) {}

/** The configuration was used before `initialize()`, or a section was read that is not registered. */
export class ConfigStateError extends defineError({
  code: 'AICO_CONFIG_STATE',
  exit: 'config',
  make: (message: string, hint: string) => ({ message, hint }),
}) {}

/** A section overlaps another one, or its schema has keys that no file or variable can name. */
export class ConfigSchemaError extends defineError({
  code: 'AICO_CONFIG_SCHEMA',
  exit: 'config',
  make: (section: string, reason: string, hint: string) => ({
    message: `the section ${section} cannot be registered: ${reason}`,
    hint,
    section,
  }),
}) {}
