import { monitorEventLoopDelay, performance } from 'node:perf_hooks';

type Delays = ReturnType<typeof monitorEventLoopDelay>;

/** The load of the process. The figures of the event loop are those since the last reading. */
export interface ProcessLoad {
  readonly eventLoop: {
    /** The part of the time in which the event loop was busy, from 0 to 1. */
    readonly busy: number;
    /** How late timers were, in milliseconds. */
    readonly meanDelayMs: number;
    readonly maxDelayMs: number;
  };
  readonly memory: { readonly rssBytes: number; readonly heapUsedBytes: number };
}

/** The interval of the timer whose lateness is measured. */
const INTERVAL_MS = 20;
/** The measurement ends when it has not been read for so long, so that an idle process has no timer. */
const UNREAD_MS = 10_000;
const NS_PER_MS = 1e6;

/**
 * Measures the load of the process while it is read.
 *
 * @example
 * ```ts
 * const meter = new LoadMeter();
 * const { eventLoop } = meter.read();
 * ```
 */
export class LoadMeter {
  #delays: Delays | undefined;
  #before = performance.eventLoopUtilization();
  #unread: NodeJS.Timeout | undefined;

  /** The first reading has no delays, since it begins the measurement. */
  read(): ProcessLoad {
    const delays = this.#delays ?? this.#begin();
    const now = performance.eventLoopUtilization();
    const { rss, heapUsed } = process.memoryUsage();
    const load: ProcessLoad = {
      eventLoop: {
        busy: performance.eventLoopUtilization(now, this.#before).utilization,
        meanDelayMs: delayOf(delays.mean),
        maxDelayMs: delayOf(delays.max),
      },
      memory: { rssBytes: rss, heapUsedBytes: heapUsed },
    };
    this.#before = now;
    delays.reset();
    this.#unread?.refresh();
    return load;
  }

  [Symbol.dispose](): void {
    clearTimeout(this.#unread);
    this.#delays?.disable();
    this.#delays = undefined;
    this.#unread = undefined;
  }

  #begin(): Delays {
    const delays = monitorEventLoopDelay({ resolution: INTERVAL_MS });
    delays.enable();
    this.#delays = delays;
    this.#unread = setTimeout(() => this[Symbol.dispose](), UNREAD_MS).unref();
    return delays;
  }
}

/** The histogram has the whole time between two runs of the timer; it is NaN while there are none. */
function delayOf(nanoseconds: number): number {
  return Number.isFinite(nanoseconds) ? Math.max(0, nanoseconds / NS_PER_MS - INTERVAL_MS) : 0;
}
