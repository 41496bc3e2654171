import type { Problem } from '@aico/protocol';
import { ProblemError, UnexpectedReplyError } from '../errors.ts';

/**
 * Turns a refusal into the error it describes; an answer below 400 is left as it is, its body unread.
 *
 * @throws {ProblemError} with the code and the hint of the backend (RFC 9457)
 * @throws {UnexpectedReplyError} when the refusal is no problem as RFC 9457 has it
 * @example await ensureOk(await client.fetch('/api/v1/notes/7', { method: 'DELETE' }));
 */
export async function ensureOk(response: Response): Promise<void> {
  if (response.status < 400) return;
  let body: unknown;
  try {
    body = await response.json();
  } catch (error) {
    throw new UnexpectedReplyError(response.status, 'and not with a problem', error);
  }
  if (isProblem(body)) throw new ProblemError(body);
  throw new UnexpectedReplyError(response.status, 'and not with a problem');
}

/** JSON, or undefined for an answer without a body. @throws {UnexpectedReplyError} */
export function parseReply(text: string, status: number): unknown {
  if (text === '') return undefined;
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new UnexpectedReplyError(status, 'and not with JSON', error);
  }
}

/** Enough of RFC 9457 to be shown; the schema would cost the command line more time than all the rest. */
function isProblem(body: unknown): body is Problem {
  if (typeof body !== 'object' || body === null) return false;
  const isText = (name: string): boolean => {
    const value: unknown = Reflect.get(body, name);
    return value === undefined || typeof value === 'string';
  };
  return (
    'title' in body &&
    typeof body.title === 'string' &&
    'status' in body &&
    typeof body.status === 'number' &&
    ['detail', 'code', 'hint'].every(isText)
  );
}
