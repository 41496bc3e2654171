import { defineError, reasonOf } from '@aico/protocol';
import { variableFor } from './variable.ts';

/** Where a value came from. */
export type Origin =
  | { readonly layer: 'default' }
  | {
      readonly layer: 'environment file' | 'user file';
      readonly file: string;
      /** From 1; absent where the file as a whole is meant. */
      readonly line?: number;
      readonly column?: number;
    }
  | { readonly layer: 'environment variable'; readonly variable: string }
  | { readonly layer: 'runtime' };

/** One thing wrong with the configuration. Says what was expected and what kind of value was found, never the value. */
export interface ConfigProblem {
  /** Empty where a file as a whole is meant. */
  readonly key: string;
  readonly message: string;
  readonly origin: Origin;
  /** The valid key nearest to an unknown one. */
  readonly nearest?: string;
}

/** Where to look, as an editor and a person read it. */
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

/** A problem as one line: where, which key, what, and what may have been meant. */
export function describeProblem({ key, message, origin, nearest }: ConfigProblem): string {
  const meant =
    nearest !== undefined && origin.layer === 'environment variable'
      ? `${variableFor(nearest)} (${nearest})`
      : nearest;
  const suggestion = meant === undefined ? '' : `; did you mean ${meant}?`;
  return `${describeOrigin(origin)}: ${key === '' ? '' : `${key} `}${message}${suggestion}`;
}

/** The configuration does not fit its schema. Names everything that is wrong at once. */
export class ConfigInvalidError extends defineError({
  code: 'AICO_CONFIG_INVALID',
  exit: 'config',
  hint: 'Mend the lines named above; `aico config validate` checks without starting, `aico config list` shows every key.',
  make: (problems: readonly ConfigProblem[]) => {
    const lines = problems.map((problem) => `  ${describeProblem(problem)}`);
    return { message: `the configuration is not valid:\n${lines.join('\n')}`, problems };
  },
}) {}

/** A configuration file cannot be read as YAML at all. Names every place in the file. */
export class ConfigSyntaxError extends defineError({
  code: 'AICO_CONFIG_SYNTAX',
  exit: 'config',
  hint: 'The file must be YAML: keys and values, indented by spaces.',
  make: (problems: readonly ConfigProblem[]) => ({
    message: problems.map(describeProblem).join('\n'),
    problems,
  }),
}) {}

/** A configuration file is there and cannot be read. */
export class ConfigUnreadableError extends defineError({
  code: 'AICO_CONFIG_UNREADABLE',
  exit: 'config',
  hint: 'Make it a file that this user may read, or remove it: it need not be there.',
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

/** Code asked for a value as one type, and the configuration holds another. */
export class ConfigTypeError extends defineError({
  code: 'AICO_CONFIG_TYPE',
  exit: 'config',
  hint: 'Describe the key in a schema (registerSection), so that a wrong value is found at start.',
  make: (key: string, expected: string, found: string) => ({
    message: `${key} holds ${found}, and the code that reads it expects ${expected}`,
    key,
  }),
}) {}

/** A key cannot be one: empty, or with a name that would reach into the language's own objects. */
export class ConfigKeyError extends defineError({
  code: 'AICO_CONFIG_KEY',
  exit: 'config',
  hint: 'Keys are words joined by dots: core.api_gateway.rest.port.',
  make: (key: string) => ({ message: `"${key}" is not a configuration key` }),
}) {}

/** The configuration was asked before `initialize()`, or for a section nobody registered. */
export class ConfigStateError extends defineError({
  code: 'AICO_CONFIG_STATE',
  exit: 'config',
  make: (message: string, hint: string) => ({ message, hint }),
}) {}

/** A section's schema cannot stand beside the others, or has keys that no file or variable could name. */
export class ConfigSchemaError extends defineError({
  code: 'AICO_CONFIG_SCHEMA',
  exit: 'config',
  make: (section: string, reason: string, hint: string) => ({
    message: `the section ${section} cannot be registered: ${reason}`,
    hint,
    section,
  }),
}) {}

/** A listener to changes failed. The change is in force and every other listener has been told. */
export class ConfigListenerError extends defineError({
  code: 'AICO_CONFIG_LISTENER',
  exit: 'config',
  hint: 'The new configuration is in force; what failed may still work by the old. Restart, or mend the listener.',
  make: (failures: readonly unknown[]) => {
    const reasons = failures.map((failure) => reasonOf(failure));
    return {
      message: `told of a configuration change, ${reasons.length} listener(s) failed: ${reasons.join('; ')}`,
      cause: failures[0],
      failures,
    };
  },
}) {}
