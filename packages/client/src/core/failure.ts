import { AicoError } from '@aico/protocol';
import type { ChannelBusyError } from '@aico/protocol/channel';
import { ConnectionBrokenError, TooManyChannelsError } from '../errors.ts';

/** Codes of channel errors that mean a broken connection: the request may be sent again on another. */
const CHANNEL_BREAKS: ReadonlySet<string> = new Set([
  'AICO_CHANNEL_TRUNCATED',
  'AICO_CHANNEL_SILENT',
  'AICO_CHANNEL_CLOSED',
]);

/**
 * The error that a caller gets for a failed request: an error of this project, at any depth of the causes, is returned as it
 * is, and any other becomes a broken connection. A TypeError without a cause means that the request cannot be sent, and is
 * returned as it is.
 *
 * @param known a more specific error for a code of the platform, if there is one
 */
export function failureOf(
  error: unknown,
  known: (code: unknown, cause: Error) => Error | undefined = () => undefined,
): unknown {
  if (error instanceof TypeError && error.cause === undefined) return error;
  let last = error;
  for (let cause = error; cause instanceof Error; cause = cause.cause) {
    last = cause;
    if (isBusy(cause)) return new TooManyChannelsError(cause.retryAfterSeconds);
    if (cause instanceof AicoError && !CHANNEL_BREAKS.has(cause.code)) return cause;
    const better = 'code' in cause ? known(cause.code, cause) : undefined;
    if (better !== undefined) return better;
  }
  return new ConnectionBrokenError(last);
}

/** Compares the code, since a client of the local socket does not load the channel. */
function isBusy(error: Error): error is ChannelBusyError {
  return error instanceof AicoError && error.code === 'AICO_CHANNEL_BUSY';
}
