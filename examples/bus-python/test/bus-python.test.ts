import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { type TestContext, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { createTestBackend, localRequest, type TestBackend } from '@aico/backend/testing';
import type { BusCredential } from '@aico/shared/core/bus/zeromq';
import { curveKeyPair } from '@aico/shared/core/bus/zeromq/keys';
import { RawPeer } from '../../../packages/backend/test/fixtures/raw-peer.ts';

/** The system's own: Debian's packages are for no other. */
const PYTHON = '/usr/bin/python3';
const ECHO = fileURLToPath(new URL('../echo.py', import.meta.url));

test('a Python client, written from the protocol document alone, publishes, subscribes, asks and answers', async (t) => {
  const missing = whatIsMissing();
  if (missing !== undefined) {
    t.skip(`no Python client can run here: ${missing}`);
    return;
  }
  const backend = await createTestBackend({ config: { 'core.message_bus.broker.port': 0 } });
  t.after(() => backend.stop());
  const bus = backend.container.getService('message_bus');
  const said: unknown[] = [];
  const twice = Promise.withResolvers<void>();
  const ready = Promise.withResolvers<string>();
  await bus.respond('host.ask', (_topic, message) => ({ host: message }));
  await bus.subscribe('python.ready', (_topic, _message, { source }) => ready.resolve(source));
  await bus.subscribe('python.said', (_topic, message) => {
    said.push(message);
    if (said.length === 2) twice.resolve();
  });
  const python = await start(t, await credentialFile(backend.socket, backend.paths.dataDir));

  assert.equal(await Promise.race([ready.promise, python.failed]), 'python');
  const logs = await localRequest(backend.socket, '/api/v1/logs?service=python');
  assert.match(logs.text, /"component":"main","message":"Ready to repeat"/);
  await bus.publish('python.say.one', { text: 'grüß dich' });
  await bus.publish('python.say.two', [1, null, true]);
  await twice.promise;
  assert.deepEqual(said, [
    { heard: 'python.say.one', said: { text: 'grüß dich' } },
    { heard: 'python.say.two', said: [1, null, true] },
  ]);
  assert.deepEqual(await bus.request('python.ask', 'who?'), { asked: 'who?', by: 'backend' });

  // A message from another component that claims to be JSON and is not is reported; the client continues.
  const hostile = await hostilePeer(t, backend);
  const deep = '['.repeat(100_000) + ']'.repeat(100_000);
  for (const body of ['{', Buffer.of(0x22, 0xc3, 0x28, 0x22), deep])
    assert.equal(await hostile.refusalOf({ topic: 'python.say.bad', source: 'hostile' }, body), undefined);
  const misnamed = hostile.publishFrame({ topic: 'python.say.XX', source: 'hostile' });
  misnamed.set([0xc3, 0x28], misnamed.indexOf('XX'));
  await hostile.send(misnamed);
  assert.deepEqual(await bus.request('python.ask', 'still there?'), { asked: 'still there?', by: 'backend' });
  assert.equal(said.length, 2);

  await bus.publish('python.stop', 0);
  assert.equal(await python.exited, 0);
  assert.match(python.errors(), /python\.say\.bad.* was not handled/);
  assert.deepEqual(python.lines, ["ready, with the answer {'host': {'n': 1}}"]);
});

function whatIsMissing(): string | undefined {
  const { status, error, stderr } = spawnSync(
    PYTHON,
    ['-c', 'import zmq, cryptography; assert zmq.has("curve")'],
    {
      encoding: 'utf8',
    },
  );
  if (error !== undefined) return `${PYTHON} is not installed`;
  if (status !== 0)
    return `python3-zmq or python3-cryptography is not installed: ${stderr.trim().split('\n').at(-1)}`;
  return undefined;
}

/** Access for a component, as `aico bus grant` writes it. */
async function credentialOf(
  socket: string,
  component: string,
  publish: readonly string[],
  subscribe: readonly string[],
): Promise<BusCredential> {
  const { publicKey, secretKey } = curveKeyPair();
  const reply = await localRequest(socket, '/api/v1/bus/grants', {
    method: 'POST',
    body: { component, public_key: publicKey, publish, subscribe },
  });
  assert.equal(reply.status, 201, reply.text);
  const { endpoints, broker } = reply.json() as { endpoints: string[]; broker: string };
  return {
    format: 'aico-bus-credential',
    version: 1,
    component,
    endpoints,
    broker,
    public_key: publicKey,
    secret_key: secretKey,
    publish: [...publish],
    subscribe: [...subscribe],
  };
}

async function credentialFile(socket: string, folder: string): Promise<string> {
  const file = path.join(folder, 'python.json');
  const credential = await credentialOf(socket, 'python', ['python.>', 'host.ask'], ['python.>']);
  await writeFile(file, JSON.stringify(credential), { mode: 0o600 });
  return file;
}

/** A component that may publish where Python listens, and sends raw frames. */
async function hostilePeer(t: TestContext, { socket }: TestBackend): Promise<RawPeer> {
  const credential = await credentialOf(socket, 'hostile', ['python.say.*'], []);
  const { endpoints, broker, public_key: publicKey, secret_key: secretKey } = credential;
  const peer = new RawPeer({
    endpoint: endpoints[0] ?? '',
    serverKey: broker,
    keys: { publicKey, secretKey },
  });
  t.after(() => peer.close());
  assert.equal(await peer.join('hostile', secretKey, broker), 'welcome');
  return peer;
}

async function start(t: TestContext, credential: string) {
  const child = spawn(PYTHON, [ECHO, credential], { stdio: ['ignore', 'pipe', 'pipe'] });
  t.after(() => child.kill('SIGKILL'));
  let errors = '';
  child.stderr.setEncoding('utf8').on('data', (chunk: string) => (errors += chunk));
  const lines: string[] = [];
  createInterface({ input: child.stdout }).on('line', (line) => lines.push(line));
  const exited = once(child, 'close').then(([code]) => code as number | null);
  const failed = exited.then((code) => Promise.reject(new Error(`Python ended with ${code}: ${errors}`)));
  failed.catch(() => undefined);
  return { lines, exited, failed, errors: () => errors };
}
