import assert from 'node:assert/strict';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import path from 'node:path';
import { describe, test } from 'node:test';
import { Aico, fixture } from './fixtures/aico.ts';

/** A failed start must leave no file that indicates a running backend. */
async function assertNothingRuns(aico: Aico): Promise<void> {
  assert.equal(existsSync(path.join(aico.home, 'data', 'instance.json')), false);
  assert.equal(existsSync(path.join(aico.home, 'run', 'api.sock')), false);
  assert.equal((await aico.run(['status'])).code, 20);
}

/** A line as `aico logs export` writes it. */
interface StoredLine {
  readonly level: string;
  readonly message: string;
  readonly fields: {
    readonly n?: number;
    readonly pid?: number;
    readonly error?: { readonly stack?: string };
  };
}

async function assertStarts(aico: Aico): Promise<void> {
  const { child, exited } = await aico.serve();
  child.kill('SIGTERM');
  assert.deepEqual(await exited, { code: 0, signal: null });
}

describe('a failed start has a message and an exit code of its own, and leaves nothing running', () => {
  test('an unknown key and a wrong type: 10, both named with their location', async (t) => {
    const aico = await Aico.create(t);
    await mkdir(path.join(aico.home, 'config'), { recursive: true });
    await writeFile(
      path.join(aico.home, 'config', 'config.yaml'),
      'core:\n  api_gateway:\n    rest:\n      prot: 1\n',
    );
    const ran = await aico.run(['start'], { AICO_CORE__LOGGING__LEVEL: 'loud' });
    assert.equal(ran.code, 10, ran.stderr);
    assert.match(ran.stderr, /config\.yaml:4:7: .*did you mean core\.api_gateway\.rest\.port/);
    assert.match(ran.stderr, /AICO_CORE__LOGGING__LEVEL: core\.logging\.level must be one of/);
    assert.deepEqual(await readdir(aico.home), ['config']);
  });

  test('a home that is a file: 11', async (t) => {
    const aico = await Aico.create(t);
    await rm(aico.home, { recursive: true });
    await writeFile(aico.home, '');
    const ran = await aico.run(['start']);
    assert.equal(ran.code, 11, ran.stderr);
    assert.match(ran.stderr, /cannot use .*\nhint: .*AICO_HOME/);
  });

  test('a second instance on the same home: 12, and the first is not disturbed', async (t) => {
    const aico = await Aico.create(t);
    const first = await aico.serve();
    const ran = await aico.run(['start']);
    assert.equal(ran.code, 12, ran.stderr);
    assert.match(ran.stderr, new RegExp(`pid ${first.ready.pid}`));
    assert.equal((await aico.run(['health'])).code, 0);
    first.child.kill('SIGTERM');
    assert.deepEqual(await first.exited, { code: 0, signal: null });
  });

  test('a busy port: 13, and the next start works', async (t) => {
    const aico = await Aico.create(t);
    const occupant = createServer();
    occupant.listen(0, '127.0.0.1');
    await once(occupant, 'listening');
    const { port } = occupant.address() as AddressInfo;
    const ran = await aico.run(['start'], { AICO_CORE__API_GATEWAY__REST__PORT: String(port) });
    occupant.close();
    assert.equal(ran.code, 13, ran.stderr);
    assert.match(ran.stderr, new RegExp(`127\\.0\\.0\\.1:${port}`));
    await assertNothingRuns(aico);
    await assertStarts(aico);
  });

  test('a wrong password: 14; the right one opens', async (t) => {
    const aico = await Aico.create(t);
    const password = { AICO_CORE__SECURITY__PASSWORD: 'correct horse battery' };
    const first = await aico.serve([], password);
    first.child.kill('SIGTERM');
    await first.exited;
    const ran = await aico.run(['start'], { AICO_CORE__SECURITY__PASSWORD: 'wrong horse battery' });
    assert.equal(ran.code, 14, ran.stderr);
    await assertNothingRuns(aico);
    const again = await aico.serve([], password);
    again.child.kill('SIGTERM');
    assert.deepEqual(await again.exited, { code: 0, signal: null });
  });

  test('production without a password: 14, and no key is created', async (t) => {
    const aico = await Aico.create(t);
    const ran = await aico.run(['start'], { AICO_ENVIRONMENT: 'production' });
    assert.equal(ran.code, 14, ran.stderr);
    assert.match(ran.stderr, /AICO_CORE__SECURITY__PASSWORD/);
    assert.equal(existsSync(path.join(aico.home, 'config', 'aico.key')), false);
    assert.equal(existsSync(path.join(aico.home, 'data', 'key-slots.json')), false);
  });

  test('a database without its key slots: 14, and no new keys are created', async (t) => {
    const aico = await Aico.create(t);
    await assertStarts(aico);
    await rm(path.join(aico.home, 'data', 'key-slots.json'));
    const ran = await aico.run(['start']);
    assert.equal(ran.code, 14, ran.stderr);
    assert.match(ran.stderr, /backup/);
    assert.equal(existsSync(path.join(aico.home, 'data', 'key-slots.json')), false);
  });

  test('a plaintext database: 15, and the file is not touched', async (t) => {
    const aico = await Aico.create(t);
    await assertStarts(aico);
    const file = path.join(aico.home, 'data', 'aico.db');
    const plain = Buffer.concat([Buffer.from('SQLite format 3\0'), Buffer.alloc(8_176)]);
    await writeFile(file, plain);
    const filesBefore = await readdir(path.dirname(file));
    const ran = await aico.run(['start']);
    assert.equal(ran.code, 15, ran.stderr);
    assert.match(ran.stderr, /AICO_DATA_PLAINTEXT/);
    assert.ok(plain.equals(await readFile(file)));
    // The unlocking is to be recorded, and no database takes it.
    const filesNow = (await readdir(path.dirname(file))).filter((name) => name !== 'audit-pending.ndjson');
    assert.deepEqual(filesNow, filesBefore);
  });

  test('a missing plugin, and one whose constructor throws: 17', async (t) => {
    const aico = await Aico.create(t);
    const missing = await aico.run(['start', '--plugin', './no/such/plugin']);
    assert.equal(missing.code, 17, missing.stderr);
    const broken = await aico.run(['start', '--plugin', fixture('throws-in-constructor')]);
    assert.equal(broken.code, 17, broken.stderr);
    assert.match(broken.stderr, /"broken" could not be constructed: the constructor throws/);
    await assertNothingRuns(aico);
    await assertStarts(aico);
  });

  test('a plugin whose start never returns: 18, named, with the likely mistake', async (t) => {
    const aico = await Aico.create(t);
    const ran = await aico.run(['start', '--plugin', fixture('never-starts')]);
    assert.equal(ran.code, 18, ran.stderr);
    assert.match(ran.stderr, /"endless": start\(\) did not finish within 300 ms/);
    assert.match(ran.stderr, /runInBackground/);
    await assertNothingRuns(aico);
    await assertStarts(aico);
  });

  test('with --detach, the message and the exit code are passed on', async (t) => {
    const aico = await Aico.create(t);
    const ran = await aico.run(['start', '--detach', '--plugin', fixture('never-starts')]);
    assert.equal(ran.code, 18, ran.stderr);
    assert.match(ran.stderr, /"endless"/);
    await assertNothingRuns(aico);
  });

  test('unknown commands and options: 2, with the nearest name', async (t) => {
    const aico = await Aico.create(t);
    const command = await aico.run(['strat']);
    assert.equal(command.code, 2);
    assert.match(command.stderr, /Did you mean start/);
    const option = await aico.run(['start', '--detatch']);
    assert.equal(option.code, 2);
    assert.match(option.stderr, /Did you mean --detach/);
  });
});

describe('the end of a backend', () => {
  test('kill -9 leaves nothing that prevents the next start', async (t) => {
    const aico = await Aico.create(t);
    const { child, exited } = await aico.serve();
    child.kill('SIGKILL');
    await exited;
    assert.equal((await aico.run(['status'])).code, 20);
    await assertStarts(aico);
  });

  test('kill -9 loses no warning: the next start stores each line of the spool once and in order, and later ones tell who ended it', async (t) => {
    const aico = await Aico.create(t);
    const killed = aico.spawn(['start', '--plugin', fixture('dies-logging')]);
    assert.deepEqual(await once(killed, 'exit'), [null, 'SIGKILL']);
    const spools = async () =>
      (await readdir(path.join(aico.home, 'state'))).filter((name) => /spool/.test(name));
    assert.equal((await spools()).length, 1);
    const { child, exited } = await aico.serve();
    const lines = async (service: string, level: string): Promise<readonly StoredLine[]> => {
      const { stdout } = await aico.run(['logs', 'export', '--service', service, '--level', level]);
      return stdout.split('\n').flatMap((line) => (line === '' ? [] : [JSON.parse(line) as StoredLine]));
    };
    assert.deepEqual(
      (await lines('dies_logging', 'warn')).map(({ fields }) => fields.n),
      Array.from({ length: 100 }, (_, index) => index * 3),
    );
    const [ended, ...others] = await lines('backend', 'fatal');
    assert.deepEqual(others, []);
    assert.equal(
      ended?.message,
      `Plugin "dies_logging" ends the process by process.kill(${killed.pid}, 'SIGKILL')`,
    );
    assert.match(ended.fields.error?.stack ?? '', /dies-logging/);

    child.kill('SIGKILL');
    await exited;
    await aico.serve();
    const [before] = (await lines('backend', 'warn')).filter(({ level }) => level === 'warn');
    assert.match(before?.message ?? '', /^The backend before this one ended without a stop/);
    assert.equal(before?.fields.pid, child.pid);
  });

  test('aico stop returns when the process has ended', async (t) => {
    const aico = await Aico.create(t);
    const { exited } = await aico.serve();
    const ran = await aico.run(['stop', '--json']);
    assert.equal(ran.code, 0, ran.stderr);
    assert.deepEqual(await exited, { code: 0, signal: null });
    await assertNothingRuns(aico);
    assert.equal((await aico.run(['stop'])).code, 20);
  });
});
