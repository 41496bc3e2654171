import type { Problem } from '@aico/protocol';
import { parseJson } from '@aico/protocol';
import { ProblemError, UnexpectedReplyError } from '../errors.ts';

/**
 * Throws the error that an error response describes. Leaves a response below 400 unread.
 *
 * @throws {ProblemError} with the code and the hint of the backend (RFC 9457)
 * @throws {UnexpectedReplyError} when the response is not a problem as defined by RFC 9457
 * @example await ensureOk(await client.fetch('/api/v1/notes/7', { method: 'DELETE' }));
 */
export async function ensureOk(response: Pick<Response, 'status' | 'json'>): Promise<void> {
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

/**
 * Parses JSON; undefined for an answer without a body.
 * @throws {UnexpectedReplyError}
 */
export function parseReply(text: string, status: number): unknown {
  if (text === '') return undefined;
  try {
    return parseJson(text);
  } catch (error) {
    throw new UnexpectedReplyError(status, 'and not with JSON', error);
  }
}

/**
 * Checks the members of RFC 9457 that are shown. Loading the schema library would take longer than everything else a command
 * does.
 */
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
