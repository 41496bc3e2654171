import type { SqlValue } from '../types.ts';
import type { GroupCall } from './group-commit.ts';
import { bindable, bindableArguments } from './statements.ts';
import type { StatementBatch } from './wire.ts';

/** Decodes the calls of a batch from its flat arrays. */
export function callsOf({ calls: flat, values }: StatementBatch): GroupCall[] {
  const calls: GroupCall[] = [];
  let at = 0;
  for (let index = 0; index < flat.length; index += 2) {
    const id = flat[index] ?? 0;
    const count = flat[index + 1] ?? 0;
    if (count === -1) {
      const named = values[at];
      at += 1;
      calls.push({ id, args: isNamed(named) ? bindableArguments(named) : [] });
      continue;
    }
    const args = new Array<SqlValue>(count);
    for (let each = 0; each < count; each += 1) {
      const value = values[at];
      at += 1;
      args[each] = value === undefined || isNamed(value) ? null : bindable(value);
    }
    calls.push({ id, args });
  }
  return calls;
}

function isNamed(
  value: StatementBatch['values'][number] | undefined,
): value is Readonly<Record<string, SqlValue>> {
  return typeof value === 'object' && value !== null && !(value instanceof Uint8Array);
}
