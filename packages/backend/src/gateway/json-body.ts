import { isUtf8 } from 'node:buffer';
import {
  DataBoundsError,
  hasDoubledKey,
  inexactNumberIn,
  isDeeperThan,
  MAX_DATA_DEPTH,
} from '@aico/protocol';
import { errorCodes } from 'fastify';
import type { GatewayApp } from '../core/gateway.ts';
import { RequestInvalidError } from './errors.ts';

const CHARSET = /;\s*charset\s*=\s*"?([^\s;"]*)/i;
const UTF_8: ReadonlySet<string> = new Set(['utf-8', 'utf8', 'us-ascii']);
/** A key that is one escape. V8 13 and 14 may read it as a backslash (nodejs/node#63785). */
const MISREAD_KEY = /[{,]\s*"\\(?:u[0-9a-f]{4}|[^u])"\s*:/i;
/** The media types that are read as text. */
const TEXTUAL = /^\s*(?:application\/json|text\/plain)\s*;/i;

/**
 * Reads JSON bodies. Fastify would replace bytes that are not UTF-8 by U+FFFD, round integers beyond 2^53, keep the last of two
 * equal keys, read every charset as UTF-8, and accept nesting so deep that recursive code fails.
 */
export function installJsonBody(app: GatewayApp): void {
  app.addHook('preParsing', (request, _reply, _payload, done) => {
    const type = request.headers['content-type'] ?? '';
    const charset = TEXTUAL.test(type) ? CHARSET.exec(type)?.[1] : undefined;
    const isKnown = charset === undefined || UTF_8.has(charset.toLowerCase());
    done(isKnown ? null : new errorCodes.FST_ERR_CTP_INVALID_MEDIA_TYPE(charset));
  });
  const parse = app.getDefaultJsonParser('error', 'error');
  app.removeContentTypeParser('application/json');
  app.addContentTypeParser('application/json', { parseAs: 'buffer' }, (request, body: Buffer, done) => {
    if (!isUtf8(body)) {
      done(new RequestInvalidError([{ path: 'body', message: 'is not UTF-8' }]));
      return;
    }
    const text = body.toString();
    if (MISREAD_KEY.test(text)) {
      const message = 'has a key of one escaped character, which this version of Node.js may misread';
      done(new RequestInvalidError([{ path: 'body', message }]));
      return;
    }
    void parse(request, text, (error, value: unknown) => {
      if (error !== null && error !== undefined) done(error);
      else if (inexactNumberIn(text) !== undefined)
        done(
          new RequestInvalidError([
            { path: 'body', message: 'has a number that a double cannot hold: send it as a string' },
          ]),
        );
      else if (isDeeperThan(MAX_DATA_DEPTH, value))
        done(new DataBoundsError('the body', 'depth', MAX_DATA_DEPTH));
      else if (hasDoubledKey(text, value))
        done(new RequestInvalidError([{ path: 'body', message: 'has an object with the same key twice' }]));
      else done(null, value);
    });
  });
}
