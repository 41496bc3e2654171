import { isUtf8 } from 'node:buffer';
import { DataBoundsError, inexactNumberIn, isDeeperThan, MAX_DATA_DEPTH } from '@aico/protocol';
import type { GatewayApp } from '../core/gateway.ts';
import { RequestInvalidError } from './errors.ts';

/**
 * Reads JSON bodies. Fastify would replace bytes that are not UTF-8 by U+FFFD, round integers beyond 2^53, and accept nesting
 * so deep that recursive code fails.
 */
export function installJsonBody(app: GatewayApp): void {
  const parse = app.getDefaultJsonParser('error', 'error');
  app.removeContentTypeParser('application/json');
  app.addContentTypeParser('application/json', { parseAs: 'buffer' }, (request, body: Buffer, done) => {
    if (!isUtf8(body)) {
      done(new RequestInvalidError([{ path: 'body', message: 'is not UTF-8' }]));
      return;
    }
    const text = body.toString();
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
      else done(null, value);
    });
  });
}
