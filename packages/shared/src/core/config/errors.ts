import { AicoError } from '@aico/protocol';
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
export class ConfigInvalidError extends AicoError {
  readonly problems: readonly ConfigProblem[];

  constructor(problems: readonly ConfigProblem[]) {
    const lines = problems.map((problem) => `  ${describeProblem(problem)}`);
    super('AICO_CONFIG_INVALID', `the configuration is not valid:\n${lines.join('\n')}`, {
      hint: 'Mend the lines named above; `aico config validate` checks without starting, `aico config list` shows every key.',
    });
    this.problems = problems;
  }
}

/** A configuration file cannot be read as YAML at all. Names every place in the file. */
export class ConfigSyntaxError extends AicoError {
  readonly problems: readonly ConfigProblem[];

  constructor(problems: readonly ConfigProblem[]) {
    super('AICO_CONFIG_SYNTAX', problems.map(describeProblem).join('\n'), {
      hint: 'The file must be YAML: keys and values, indented by spaces.',
    });
    this.problems = problems;
  }
}

/** A configuration file is there and cannot be read. */
export class ConfigUnreadableError extends AicoError {
  readonly file: string;
  readonly problems: readonly ConfigProblem[];

  constructor(file: string, layer: 'environment file' | 'user file', cause: unknown) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    super('AICO_CONFIG_UNREADABLE', `cannot read ${file}: ${reason}`, {
      hint: 'Make it a file that this user may read, or remove it: it need not be there.',
      cause,
    });
    this.file = file;
    this.problems = [{ key: '', message: `cannot be read: ${reason}`, origin: { layer, file } }];
  }
}

/** Code asked for a value as one type, and the configuration holds another. */
export class ConfigTypeError extends AicoError {
  readonly key: string;

  constructor(key: string, expected: string, found: string) {
    super('AICO_CONFIG_TYPE', `${key} holds ${found}, and the code that reads it expects ${expected}`, {
      hint: 'Describe the key in a schema (registerSection), so that a wrong value is found at start.',
    });
    this.key = key;
  }
}

/** A key cannot be one: empty, or with a name that would reach into the language's own objects. */
export class ConfigKeyError extends AicoError {
  constructor(key: string) {
    super('AICO_CONFIG_KEY', `"${key}" is not a configuration key`, {
      hint: 'Keys are words joined by dots: core.api_gateway.rest.port.',
    });
  }
}

/** The configuration was asked before `initialize()`, or for a section nobody registered. */
export class ConfigStateError extends AicoError {
  constructor(message: string, hint: string) {
    super('AICO_CONFIG_STATE', message, { hint });
  }
}

/** A section's schema cannot stand beside the others, or has keys that no file or variable could name. */
export class ConfigSchemaError extends AicoError {
  readonly section: string;

  constructor(section: string, reason: string, hint: string) {
    super('AICO_CONFIG_SCHEMA', `the section ${section} cannot be registered: ${reason}`, { hint });
    this.section = section;
  }
}

/** A listener to changes failed. The change is in force and every other listener has been told. */
export class ConfigListenerError extends AicoError {
  readonly failures: readonly unknown[];

  constructor(failures: readonly unknown[]) {
    const reasons = failures.map((failure) => (failure instanceof Error ? failure.message : String(failure)));
    super(
      'AICO_CONFIG_LISTENER',
      `told of a configuration change, ${reasons.length} listener(s) failed: ${reasons.join('; ')}`,
      {
        hint: 'The new configuration is in force; what failed may still work by the old. Restart, or mend the listener.',
        cause: failures[0],
      },
    );
    this.failures = failures;
  }
}
