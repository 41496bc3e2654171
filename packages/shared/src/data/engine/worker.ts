/** An engine thread: takes one message after another and answers each. */
import { parentPort, workerData } from 'node:worker_threads';
import { Engine } from './engine.ts';
import type { EngineData, ToEngine } from './wire.ts';

const port = parentPort;
if (port === null) throw new Error('this file is started as a worker thread');
const engine = new Engine(workerData as EngineData);
port.on('message', (message: ToEngine) => {
  port.postMessage(engine.handle(message));
  const trouble = engine.afterAnswer();
  if (trouble !== undefined) port.postMessage(trouble);
  if (message.kind === 'operation' && message.operation.name === 'close') port.close();
});
