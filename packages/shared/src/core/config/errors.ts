import { AicoError } from '@aico/protocol';

/** Where a value came from. */
export type Origin =
  | { readonly layer: 'default' }
  | {
      readonly layer: 'environment file' | 'user file';
      readonly file: string;
      readonly line: number;
      readonly column: number;
    }
  | { readonly layer: 'environment variable'; readonly variable: string }
  | { readonly layer: 'runtime' };

/** One thing wrong with the configuration. Says what was expected and what kind of value was found, never the value. */
export interface ConfigProblem {
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
      return `${origin.file}:${origin.line}:${origin.column}`;
    case 'environment variable':
      return `environment variable ${origin.variable}`;
    case 'runtime':
      return 'set at runtime';
    case 'default':
      return 'default';
  }
}

/** The configuration does not fit its schema. Names everything that is wrong at once. */
export class ConfigInvalidError extends AicoError {
  readonly problems: readonly ConfigProblem[];

  constructor(problems: readonly ConfigProblem[]) {
    const lines = problems.map(({ key, message, origin, nearest }) => {
      const suggestion = nearest === undefined ? '' : `; did you mean ${nearest}?`;
      return `  ${describeOrigin(origin)}: ${key} ${message}${suggestion}`;
    });
    super('AICO_CONFIG_INVALID', `the configuration is not valid:\n${lines.join('\n')}`, {
      hint: 'Mend the lines named above; `aico config validate` checks without starting, `aico config list` shows every key.',
    });
    this.problems = problems;
  }
}

/** A configuration file cannot be read as YAML at all. */
export class ConfigSyntaxError extends AicoError {
  readonly file: string;
  readonly line: number;

  constructor(file: string, line: number, column: number, reason: string) {
    super('AICO_CONFIG_SYNTAX', `${file}:${line}:${column}: ${reason}`, {
      hint: 'The file must be YAML: keys and values, indented by spaces.',
    });
    this.file = file;
    this.line = line;
  }
}

/** A configuration file is there and cannot be read. */
export class ConfigUnreadableError extends AicoError {
  readonly file: string;

  constructor(file: string, cause: unknown) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    super('AICO_CONFIG_UNREADABLE', `cannot read ${file}: ${reason}`, {
      hint: 'Make it readable for this user, or remove it: every key has a default.',
      cause,
    });
    this.file = file;
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

/** The configuration was asked before `initialize()`, or a section was given two schemas. */
export class ConfigStateError extends AicoError {
  constructor(message: string, hint: string) {
    super('AICO_CONFIG_STATE', message, { hint });
  }
}
