import { FieldNames, isSecret, REDACTED } from './field-names.ts';
import { KnownSecrets } from './known-secrets.ts';
import { type RedactionRules, redactor } from './secret-shapes.ts';
import type { LogFields } from './types.ts';

/** The limits of one line; a line that exceeds them is truncated and marked. */
const MAX_DEPTH = 8;
const MAX_ENTRIES = 200;
const MAX_STRING = 8_192;
const MAX_LINE = 65_536;
/** Characters beyond the bound of a text that are looked at, so that a secret is not cut in half and then not recognised. */
const MARGIN = 4_096;

const NOTHING: LogFields = Object.freeze({});

/** Of a line that a getter or `toJSON` logs while it is itself being logged: there could be no end of it. */
const LOGGED_WHILE_LOGGING: LogFields = Object.freeze({ omitted: 'logged while another line was written' });

function isRecord(value: unknown): value is LogFields {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/**
 * Copies the values that a caller logs into bounded plain data: secrets are redacted, errors written out, cycles cut. It never
 * throws, also where a getter or `toJSON` does.
 */
export class Sanitiser {
  readonly #names: FieldNames;
  readonly #redact: (text: string) => string;
  readonly #known = new KnownSecrets();
  /** The remaining characters for the current line. */
  #room = 0;
  /** The objects on the path to the current value. */
  readonly #path: object[] = [];

  constructor(rules: RedactionRules = {}) {
    const redactForms = redactor(rules);
    this.#redact = (text) => redactForms(this.#known.redact(text));
    this.#names = new FieldNames(this.#redact, rules.names !== false);
  }

  /** Redacts these texts as well, wherever they stand. Those of fewer than six characters are redacted only as values of the type `Secret`. */
  hide(values: Iterable<string>): void {
    this.#known.add(values);
    this.#names.forget();
  }

  /** Roughly the characters of the line sanitised last. */
  get size(): number {
    return MAX_LINE - this.#room;
  }

  message(message: string): string {
    const text = this.#redact(begin(textOf(message)));
    return text.length > MAX_STRING ? `${text.slice(0, MAX_STRING)}…` : text;
  }

  /** `bound` are fields given to `child()`, sanitised already. */
  fields(fields: LogFields | undefined, bound: LogFields | undefined): LogFields {
    if (this.#path.length > 0) return LOGGED_WHILE_LOGGING;
    this.#room = MAX_LINE;
    if (fields === undefined || fields === null) return bound ?? NOTHING;
    const own = this.#value(fields, 0);
    const data = isRecord(own) ? own : { value: own };
    return bound === undefined ? data : { ...bound, ...data };
  }

  #value(value: unknown, depth: number): unknown {
    switch (typeof value) {
      case 'string':
        return this.#string(value);
      case 'number':
        this.#room -= 8;
        return this.#number(value);
      case 'boolean':
        this.#room -= 5;
        return value;
      case 'bigint':
        return this.#string(value.toString());
      case 'function':
        return this.#marker(`[function ${nameOf(value)}]`);
      case 'symbol':
        return this.#string(value.toString());
      case 'undefined':
        this.#room -= 5;
        return undefined;
      case 'object':
        // An empty object takes room too: otherwise a small graph of shared arrays would be written out without an end.
        this.#room -= 5;
        return value === null ? null : this.#object(value, depth);
    }
  }

  /** A text in place of a value. */
  #marker(text: string): string {
    this.#room -= text.length + 3;
    return this.#redact(text);
  }

  #number(value: number): unknown {
    // JSON knows neither NaN nor infinities.
    if (!Number.isFinite(value)) return String(value);
    if (this.#known.isSecret(value)) return REDACTED;
    // The number of a card has 13 digits at least.
    if (value < 1e12 || !Number.isSafeInteger(value)) return value;
    const text = String(value);
    const redacted = this.#redact(text);
    return redacted === text ? value : redacted;
  }

  #string(whole: string): string {
    const text = this.#redact(begin(whole));
    const allowed = Math.max(0, Math.min(MAX_STRING, this.#room));
    this.#room -= Math.min(text.length, allowed) + 3;
    return text.length > allowed ? `${text.slice(0, allowed)}…[${whole.length} characters]` : text;
  }

  #object(value: object, depth: number): unknown {
    if (this.#path.includes(value)) return this.#marker('[circular]');
    if (depth >= MAX_DEPTH) return this.#marker('[too deep]');
    if (this.#room <= 0) return this.#marker('[cut]');
    this.#path.push(value);
    try {
      return this.#convert(value, depth);
    } catch (error) {
      return this.#marker(`[unreadable: ${nameOf(error)}]`);
    } finally {
      this.#path.pop();
    }
  }

  #convert(value: object, depth: number): unknown {
    if (Array.isArray(value)) return this.#items(value, value.length, depth);
    if (value instanceof Error) return this.#error(value, depth);
    if (ArrayBuffer.isView(value)) return this.#marker(`[${value.byteLength} bytes]`);
    if (value instanceof Map) return this.#entries(value.entries(), depth);
    if (value instanceof Set) return this.#items(value, value.size, depth);
    if ('toJSON' in value && typeof value.toJSON === 'function')
      return this.#value(value.toJSON(), depth + 1);
    return this.#own(value, depth);
  }

  #items(items: Iterable<unknown>, length: number, depth: number): unknown[] {
    const copy: unknown[] = [];
    for (const item of items) {
      if (copy.length >= MAX_ENTRIES || this.#room <= 0) {
        copy.push(`[${length - copy.length} more]`);
        break;
      }
      copy.push(this.#value(item, depth + 1) ?? null);
    }
    return copy;
  }

  #own(value: object, depth: number): Record<string, unknown> {
    const copy: Record<string, unknown> = {};
    const isPair = 'value' in value && isSecret(this.#names.of(namedBy(value)).verdict, value.value);
    let count = 0;
    for (const name in value) {
      if (!Object.hasOwn(value, name)) continue;
      if (count >= MAX_ENTRIES || this.#room <= 0) {
        copy['…'] = '[cut]';
        break;
      }
      count += 1;
      let item: unknown;
      try {
        item = Reflect.get(value, name);
      } catch (error) {
        item = `[unreadable: ${nameOf(error)}]`;
      }
      this.#put(copy, name, isPair && name === 'value' ? REDACTED : item, depth);
    }
    return copy;
  }

  #entries(entries: Iterable<readonly [unknown, unknown]>, depth: number): Record<string, unknown> {
    const copy: Record<string, unknown> = {};
    let count = 0;
    for (const [name, item] of entries) {
      if (count >= MAX_ENTRIES || this.#room <= 0) {
        copy['…'] = '[cut]';
        break;
      }
      count += 1;
      this.#put(copy, typeof name === 'object' ? '[object]' : String(name), item, depth);
    }
    return copy;
  }

  #put(copy: Record<string, unknown>, name: string, item: unknown, depth: number): void {
    // Assigning it would change the copy's prototype instead of adding a field.
    if (name === '__proto__') return;
    // That something is or is not set is no secret.
    const { verdict, shown } = this.#names.of(name);
    this.#room -= shown.length + 4;
    if (typeof item !== 'boolean' && item !== null && item !== undefined && isSecret(verdict, item)) {
      copy[shown] = this.#marker(REDACTED);
      return;
    }
    const sanitised = this.#value(name === 'rawHeaders' ? this.#rawHeaders(item) : item, depth + 1);
    if (sanitised !== undefined) copy[shown] = sanitised;
  }

  /** Names and values in turn, as Node has the head of a message. */
  #rawHeaders(items: unknown): unknown {
    if (!Array.isArray(items)) return items;
    return items.map((item, index) =>
      index % 2 === 1 && isSecret(this.#names.of(String(items[index - 1])).verdict, item) ? REDACTED : item,
    );
  }

  #error(error: Error, depth: number): Record<string, unknown> {
    const copy: Record<string, unknown> = { type: this.#marker(nameOf(error)) };
    const { message, stack, cause } = error;
    this.#put(copy, 'message', message, depth);
    if ('code' in error) this.#put(copy, 'code', error.code, depth);
    if ('hint' in error) this.#put(copy, 'hint', error.hint, depth);
    this.#put(copy, 'stack', stack, depth);
    if ('errors' in error) this.#put(copy, 'errors', error.errors, depth);
    for (const [name, item] of Object.entries(this.#own(error, depth)))
      if (name !== 'name') copy[name] ??= item;
    if (cause !== undefined) this.#put(copy, 'cause', cause, depth);
    return copy;
  }
}

/** The name in `{ name: 'password', value: 'x' }`, as forms and cookie jars have their entries; an empty text without one. */
function namedBy(entry: object): string {
  const name = 'name' in entry ? entry.name : 'key' in entry ? entry.key : undefined;
  return typeof name === 'string' ? name : '';
}

/** The message of a line as text. Callers in JavaScript may pass any value. */
function textOf(message: unknown): string {
  try {
    return typeof message === 'string' ? message : String(message);
  } catch (error) {
    return `[unreadable: ${nameOf(error)}]`;
  }
}

/** The part of a text that is looked at. */
function begin(text: string): string {
  return text.length > MAX_STRING + MARGIN ? text.slice(0, MAX_STRING + MARGIN) : text;
}

/** The name of a function, or of an error's class, as far as it can be had. */
function nameOf(value: unknown): string {
  try {
    if (typeof value === 'function') return value.name === '' ? 'anonymous' : value.name.slice(0, 128);
    return value instanceof Error ? String(value.name).slice(0, 128) : typeof value;
  } catch {
    return 'unknown';
  }
}
