/**
 * The shape that a JSON Schema gives a value, without bounds. The checks are written by hand because loading a schema
 * library would take longer than everything else a command does.
 */
export interface ReplyShape {
  readonly type?: string;
  readonly properties?: Readonly<Record<string, ReplyShape>>;
  readonly required?: readonly string[];
  readonly items?: ReplyShape;
  /** The shape of fields that `properties` does not name. */
  readonly others?: ReplyShape;
  readonly anyOf?: readonly ReplyShape[];
}

/**
 * The first place where `value` does not have the shape, as a JSON Pointer (RFC 6901), with the expected kind; `undefined` if
 * there is none. Additional fields are accepted, since another version may send them.
 */
export function misfit(shape: ReplyShape, value: unknown, at = ''): string | undefined {
  const { type, anyOf } = shape;
  if (anyOf !== undefined) {
    const faults = anyOf.map((each) => misfit(each, value, at));
    return faults.includes(undefined) ? undefined : faults[0];
  }
  if (type === undefined) return undefined;
  if (!isOf(type, value)) return `${at === '' ? 'it' : at} is no ${type}`;
  if (Array.isArray(value)) return inItems(shape, value, at);
  return typeof value === 'object' && value !== null ? inFields(shape, value, at) : undefined;
}

function inItems({ items }: ReplyShape, value: readonly unknown[], at: string): string | undefined {
  if (items === undefined) return undefined;
  for (const [index, item] of value.entries()) {
    const fault = misfit(items, item, `${at}/${index}`);
    if (fault !== undefined) return fault;
  }
  return undefined;
}

function inFields(
  { properties = {}, required = [], others = {} }: ReplyShape,
  value: object,
  at: string,
): string | undefined {
  const missing = required.find((name) => !Object.hasOwn(value, name));
  if (missing !== undefined) return `${at}/${missing} is missing`;
  for (const [name, field] of Object.entries(value)) {
    const fault = misfit(
      Object.hasOwn(properties, name) ? (properties[name] ?? {}) : others,
      field,
      `${at}/${name}`,
    );
    if (fault !== undefined) return fault;
  }
  return undefined;
}

function isOf(type: string, value: unknown): boolean {
  switch (type) {
    case 'null':
      return value === null;
    case 'array':
      return Array.isArray(value);
    case 'object':
      return typeof value === 'object' && value !== null && !Array.isArray(value);
    case 'integer':
      return Number.isInteger(value);
    default:
      return typeof value === type;
  }
}
