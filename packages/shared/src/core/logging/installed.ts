import { LEVEL_NUMBERS } from './levels.ts';
import { LineQueue, type QueueLimits } from './line-queue.ts';
import { type Logging, recordOf } from './logging.ts';
import { Sanitiser } from './sanitiser.ts';
import { type LogSink, ServiceLogger } from './service-logger.ts';
import type { Logger } from './types.ts';

/*
 * The one module-level state of the project. `getLogger(service, component)` of the guide is called in constructors and
 * field initialisers, before and outside any composition root. Kept here are the `Logging` that the process uses at the
 * moment, and the lines logged before there was one.
 */
let installed: Logging | undefined;
const EARLY_LIMITS: QueueLimits = { lines: 16_384, size: 4 * 1_048_576 };
const early = new LineQueue(EARLY_LIMITS);
const sanitiser = new Sanitiser();
/** Changes with every installation, so that loggers know when to look up the installed one again. */
let generation = 0;
/**
 * Installs `logging` for `getLogger`, and passes it the queued lines. The returned function removes it; later lines are queued
 * for the next one.
 */
export function installLogging(logging: Logging): () => void {
  installed = logging;
  generation += 1;
  early.release(early.length);
  for (const { record, size } of early.take(EARLY_LIMITS))
    if (LEVEL_NUMBERS[record.level] >= LEVEL_NUMBERS[logging.levels.of(record.service, record.component)])
      logging.adopt(record, size);
  early.onGap((gap) => logging.reportGap(gap));
  early.confirm();
  return () => {
    if (installed !== logging) return;
    installed = undefined;
    generation += 1;
  };
}

/**
 * A logger under a service's name and the name of a part of it, wherever one is needed: before logging is set up,
 * its lines wait (at most 16,384 of them).
 *
 * @example
 * ```ts
 * const logger = getLogger('inbox', 'import');
 * logger.info('Processing request', { request_id: requestId, event_type: 'request_processing' });
 * ```
 */
export function getLogger(service: string, component: string): Logger {
  let sink: LogSink | undefined;
  let seen = -1;
  const current = (): LogSink | undefined => {
    if (seen !== generation) {
      seen = generation;
      sink = installed?.sinkOf(service, component);
    }
    return sink;
  };
  return new ServiceLogger({
    get threshold() {
      return current()?.threshold ?? 0;
    },
    sanitise: (fields) => sanitiser.fields(fields, undefined),
    write(level, message, fields, bound) {
      const target = current();
      if (target !== undefined) {
        target.write(level, message, fields, bound);
        return;
      }
      const record = recordOf(sanitiser, level, service, component, message, fields, bound);
      early.push(record, undefined, sanitiser.size + record.message.length + 64);
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
