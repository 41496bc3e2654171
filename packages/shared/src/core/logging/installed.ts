import { LEVEL_NUMBERS } from './levels.ts';
import { LineQueue, type QueueLimits } from './line-queue.ts';
import type { Logging } from './logging.ts';
import { Sanitiser } from './sanitiser.ts';
import { ServiceLogger } from './service-logger.ts';
import type { Logger, LogLevel, LogRecord } from './types.ts';

/*
 * The one module-level state of the project. `getLogger(service, component)` of the guide is called in constructors and
 * field initialisers, before and outside any composition root. Kept here are the `Logging` that the process uses at the
 * moment, and the lines logged before there was one.
 */
let installed: Logging | undefined;
const EARLY_LIMITS: QueueLimits = { lines: 1_000, size: 1_048_576 };
const early = new LineQueue(EARLY_LIMITS);
const sanitiser = new Sanitiser();
/** Changes with every installation, so that loggers know when to ask anew. */
let generation = 0;
/** How many of the lines dropped so far were reported. */
let reported = 0;

/**
 * Makes `logging` the one that `getLogger` speaks to, and hands it the lines that have waited. The returned
 * function takes it away again; lines then wait for the next one.
 */
export function installLogging(logging: Logging): () => void {
  installed = logging;
  generation += 1;
  early.release(Number.POSITIVE_INFINITY);
  for (const { record, size } of early.take(EARLY_LIMITS))
    if (LEVEL_NUMBERS[record.level] >= LEVEL_NUMBERS[logging.level]) logging.adopt(record, size);
  const dropped = early.dropped - reported;
  reported = early.dropped;
  if (dropped > 0)
    logging
      .getLogger('logging', 'queue')
      .warn('Log lines were dropped before logging was set up', { dropped });
  return () => {
    if (installed !== logging) return;
    installed = undefined;
    generation += 1;
  };
}

/**
 * A logger under a service's name and the name of a part of it, wherever one is needed: before logging is set up,
 * its lines wait (at most 1 000 of them).
 *
 * @example
 * ```ts
 * const logger = getLogger('inbox', 'import');
 * logger.info('Processing request', { request_id: requestId, event_type: 'request_processing' });
 * ```
 */
export function getLogger(service: string, component: string): Logger {
  let target: Logger | undefined;
  let seen = -1;
  return new ServiceLogger({
    get threshold() {
      return installed === undefined ? 0 : LEVEL_NUMBERS[installed.level];
    },
    sanitise: (fields) => sanitiser.fields(fields, undefined),
    write(level: LogLevel, message, fields, bound) {
      if (installed === undefined) {
        const record: LogRecord = {
          time: Date.now(),
          level,
          service,
          component,
          message: sanitiser.message(message),
          fields: sanitiser.fields(fields, bound),
        };
        early.push({ topic: undefined, record, size: sanitiser.size + record.message.length + 64 });
        return;
      }
      if (target === undefined || seen !== generation) {
        target = installed.getLogger(service, component);
        seen = generation;
      }
      target[level](message, bound === undefined ? fields : { ...bound, ...fields });
    },
  });
}

/**
 * A logger by a dotted name, as the guide uses it. The last word is the service, whose lines travel as
 * `logs.<service>`; the words between `aico` and it are the component.
 *
 * @example createInfrastructureLogger('aico.infrastructure.plugin.my_plugin') // service my_plugin, component infrastructure.plugin
 */
export function createInfrastructureLogger(name: string): Logger {
  const words = name.split('.').filter((word) => word !== '');
  const service = words.pop() ?? 'unknown';
  if (words[0] === 'aico') words.shift();
  return getLogger(service, words.length === 0 ? 'main' : words.join('.'));
}
