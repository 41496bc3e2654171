import { isUtf8 } from 'node:buffer';
import { DataBoundsError, isDeeperThan, MAX_DATA_DEPTH } from '@aico/protocol';
import type { GatewayApp } from '../core/gateway.ts';
import { RequestInvalidError } from './errors.ts';

/**
 * Reads JSON bodies. Fastify would decode bytes that are not UTF-8 as U+FFFD, so that what is checked and stored is not
 * what was sent; and it accepts any nesting, on which code behind it that recurses fails.
 */
export function installJsonBody(app: GatewayApp): void {
  const parse = app.getDefaultJsonParser('error', 'error');
  app.removeContentTypeParser('application/json');
  app.addContentTypeParser('application/json', { parseAs: 'buffer' }, (request, body: Buffer, done) => {
    if (!isUtf8(body)) {
      done(new RequestInvalidError([{ path: 'body', message: 'is not UTF-8' }]));
      return;
    }
    void parse(request, body.toString(), (error, value: unknown) => {
      if (error !== null && error !== undefined) done(error);
      else if (isDeeperThan(MAX_DATA_DEPTH, value))
        done(new DataBoundsError('the body', 'depth', MAX_DATA_DEPTH));
      else done(null, value);
    });
  });
}
