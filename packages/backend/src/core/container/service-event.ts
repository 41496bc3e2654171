import type { AicoError } from '@aico/protocol';
import type { Logger, Logging } from '@aico/shared/core/logging';

/** An event of a service for the log. */
export type ServiceEvent =
  | {
      readonly kind: 'retrying';
      readonly service: string;
      readonly attempt: number;
      readonly error: AicoError;
      readonly retryInMs: number;
    }
  | { readonly kind: 'recovered'; readonly service: string; readonly attempts: number }
  | {
      readonly kind: 'failed';
      readonly service: string;
      readonly required: boolean;
      readonly error: AicoError;
    }
  /** The stop of a service, or the cleanup after a failed start, failed. */
  | { readonly kind: 'stop-trouble'; readonly service: string; readonly error: AicoError };

/** Writes an event to the log. While the logging service is not running, failures become process warnings. */
export function reportServiceEvent(
  event: ServiceEvent,
  logging: Pick<Logging, 'getLogger'> | undefined,
): void {
  if (logging !== undefined) logServiceEvent(logging.getLogger('backend', 'container'), event);
  // start() throws the failure of a required service, and a recovery needs no warning.
  else if ('error' in event && !(event.kind === 'failed' && event.required))
    process.emitWarning(event.error.message, { code: event.error.code });
}

/** Writes an event to the log. */
export function logServiceEvent(logger: Logger, event: ServiceEvent): void {
  const { service } = event;
  switch (event.kind) {
    case 'retrying': {
      const { attempt, retryInMs, error } = event;
      logger.warn(`Service ${service} failed and will be tried again`, {
        service,
        attempt,
        retryInMs,
        error,
      });
      break;
    }
    case 'recovered':
      logger.info(`Service ${service} runs again`, { service, attempts: event.attempts });
      break;
    case 'failed':
      logger.error(`Service ${service} failed`, { service, required: event.required, error: event.error });
      break;
    case 'stop-trouble':
      logger.error(`Service ${service} did not stop as it should`, { service, error: event.error });
      break;
  }
}
