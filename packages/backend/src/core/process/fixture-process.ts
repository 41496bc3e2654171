/** A small backend that lifecycle-manager.test.ts runs as a process of its own: `well`, `hang`, `stubborn`, `crash`, `reject`. */
import { fixture } from '../container/fixtures.ts';
import { BackendLifecycleManager } from '../lifecycle-manager.ts';
import { ServiceContainer } from '../service-container.ts';

const mode = process.argv[2];
const container = new ServiceContainer();
const say = (line: string): void => void process.stdout.write(`${line}\n`);

class Holder {
  readonly #name: string;
  readonly #timer = setInterval(() => undefined, 60_000);

  constructor(name: string) {
    this.#name = name;
  }

  async stop(): Promise<void> {
    if (mode === 'stubborn') say('stopping');
    if (mode === 'hang' || mode === 'stubborn') await new Promise(() => undefined);
    clearInterval(this.#timer);
    say(`stopped ${this.#name}`);
  }
}

container.registerService(fixture('a'), () => new Holder('a'));
container.registerService(fixture('b'), () => new Holder('b'), { dependencies: [fixture('a')] });
const lifecycle = new BackendLifecycleManager({ container, stopBudgetMs: mode === 'hang' ? 200 : 10_000 });
lifecycle.handleProcess(process);
await lifecycle.start();
say('ready');
if (mode === 'crash') {
  setImmediate(() => {
    throw new Error('nobody catches this');
  });
}
if (mode === 'reject') void Promise.reject(new Error('nobody catches this'));
