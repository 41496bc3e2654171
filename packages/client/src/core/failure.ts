import { AicoError } from '@aico/protocol';
import type { ChannelBusyError } from '@aico/protocol/channel';
import { ConnectionBrokenError, TooManyChannelsError } from '../errors.ts';

/** Failures of a channel that mean that the connection broke: the request may be sent again on another. */
const CHANNEL_BREAKS: ReadonlySet<string> = new Set([
  'AICO_CHANNEL_TRUNCATED',
  'AICO_CHANNEL_SILENT',
  'AICO_CHANNEL_CLOSED',
]);

/**
 * The error that a caller gets for a failed request: one of this project's as it is, however deep among the causes, and any
 * other as a connection that broke. A TypeError without a cause says that the request cannot be sent, and stays as it is.
 *
 * @param known the error for a code of the platform, where there is a better one
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

/** By its code, since a client of the local socket does not load the channel. */
function isBusy(error: Error): error is ChannelBusyError {
  return error instanceof AicoError && error.code === 'AICO_CHANNEL_BUSY';
}
