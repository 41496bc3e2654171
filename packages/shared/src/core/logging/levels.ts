import { LogLevelRulesError } from './errors.ts';
import type { LogLevel } from './types.ts';

/** Every level, lowest first, with pino's numbers. */
export const LEVEL_NUMBERS: Readonly<Record<LogLevel, number>> = Object.freeze({
  trace: 10,
  debug: 20,
  info: 30,
  warn: 40,
  error: 50,
  fatal: 60,
});

/** Whether `value` is the name of a level. */
export function isLogLevel(value: unknown): value is LogLevel {
  return typeof value === 'string' && Object.hasOwn(LEVEL_NUMBERS, value);
}

/** The lowest levels that are kept. */
export interface LevelSettings {
  /** Of every service that has no rule. */
  readonly default: LogLevel;
  /** By `service`, or `service/component`, which takes precedence. */
  readonly rules: Readonly<Record<string, LogLevel>>;
}

const MAX_RULES = 1_000;

/**
 * Decides from which level on the lines of a component are kept. Every change holds at once, for all loggers.
 *
 * @example
 * ```ts
 * logging.levels.set('inbox', 'debug');
 * logging.levels.set('inbox/parser', 'trace');
 * logging.levels.set('inbox', undefined); // the default again
 * ```
 */
export class LogLevels {
  /** Changes with every change of a level, so that a logger knows when to ask again. */
  version = 0;
  #default: LogLevel;
  readonly #rules: Map<string, LogLevel>;

  constructor(level: LogLevel = 'info', rules: Readonly<Record<string, LogLevel>> = {}) {
    this.#default = level;
    this.#rules = new Map(Object.entries(rules));
  }

  get default(): LogLevel {
    return this.#default;
  }

  set default(level: LogLevel) {
    this.#default = level;
    this.version += 1;
  }

  /** The level of a service, or of one of its components. */
  of(service: string, component?: string): LogLevel {
    const nearest = component === undefined ? undefined : this.#rules.get(`${service}/${component}`);
    return nearest ?? this.#rules.get(service) ?? this.#default;
  }

  /**
   * Sets the level of a `service` or `service/component`; `undefined` removes the rule.
   *
   * @throws {LogLevelRulesError} when there are 1,000 rules already
   */
  set(target: string, level: LogLevel | undefined): void {
    if (level === undefined) this.#rules.delete(target);
    else if (this.#rules.size >= MAX_RULES && !this.#rules.has(target))
      throw new LogLevelRulesError(MAX_RULES);
    else this.#rules.set(target, level);
    this.version += 1;
  }

  toJSON(): LevelSettings {
    const rules = [...this.#rules].sort(([a], [b]) => (a < b ? -1 : 1));
    return { default: this.#default, rules: Object.fromEntries(rules) };
  }
}
