/**
 * A small backend that lifecycle-manager.test.ts runs as a process of its own: `well`, `hang`, `stubborn`,
 * `endless-thread`, `crash`, `reject`.
 */
import { once } from 'node:events';
import { writeSync } from 'node:fs';
import { Worker } from 'node:worker_threads';
import { fixture } from '../container/fixtures.ts';
import { ServiceContainer } from '../container/service-container.ts';
import { BackendLifecycleManager } from '../lifecycle-manager.ts';

const mode = process.argv[2] ?? '';
const HANGS: ReadonlySet<string> = new Set(['hang', 'endless-thread']);
/** Native code that never returns, as a statement without end is. */
const ENDLESS = `
  const Driver = require('better-sqlite3-multiple-ciphers');
  require('node:worker_threads').parentPort.postMessage('begun');
  new Driver(':memory:').prepare('WITH RECURSIVE c(x) AS (SELECT 1 UNION ALL SELECT x+1 FROM c) SELECT count(*) FROM c').get();
`;
const container = new ServiceContainer();
const say = (line: string): void => void process.stdout.write(`${line}\n`);

class Holder {
  readonly #name: string;
  readonly #timer = setInterval(() => undefined, 60_000);

  constructor(name: string) {
    this.#name = name;
  }

  async stop(): Promise<void> {
    if (mode === 'stubborn') {
      // Written before the event loop is given away for good.
      writeSync(1, 'stopping\n');
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0);
    }
    if (HANGS.has(mode)) await new Promise(() => undefined);
    clearInterval(this.#timer);
    say(`stopped ${this.#name}`);
  }
}

container.registerService(fixture('a'), () => new Holder('a'));
container.registerService(fixture('b'), () => new Holder('b'), { dependencies: [fixture('a')] });
const lifecycle = new BackendLifecycleManager({ container, stopBudgetMs: HANGS.has(mode) ? 200 : 10_000 });
lifecycle.handleProcess(process);
await lifecycle.start();
if (mode === 'endless-thread') await once(new Worker(ENDLESS, { eval: true }), 'message');
say('ready');
if (mode === 'crash') {
  setImmediate(() => {
    throw new Error('not caught');
  });
}
if (mode === 'reject') void Promise.reject(new Error('not caught'));
