import assert from 'node:assert/strict';
import { once } from 'node:events';
import { stat, writeFile } from 'node:fs/promises';
import { get, type IncomingMessage } from 'node:http';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { text } from 'node:stream/consumers';
import { type TestContext, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { Aico } from './fixtures/aico.ts';

const INBOX = fileURLToPath(new URL('../../../examples/inbox', import.meta.url));

/** A backend, and another machine that is paired with it, with a home of its own. */
async function joined(t: TestContext, args: readonly string[] = []) {
  const there = await Aico.create(t);
  const backend = await there.serve(args);
  const here = await Aico.create(t);
  const { code } = (await there.run(['device', 'pair', '--json'])).json() as { code: string };
  const codeFile = path.join(here.home, 'code');
  await writeFile(codeFile, `${code}\n`);
  const address = new URL(backend.ready.http).host;
  const ran = await here.run([
    'device',
    'join',
    address,
    '--code-file',
    codeFile,
    '--as',
    'desk',
    '--name',
    'laptop',
  ]);
  assert.equal(ran.code, 0, ran.stderr);
  return { there, here, backend, address, codeFile };
}

test('--via: a paired machine requests, reads and follows from elsewhere, by name and by address', async (t) => {
  const { there, here, backend, address, codeFile } = await joined(t);
  const remote = path.join(here.home, 'config', 'remotes', 'desk.json');
  assert.equal((await stat(remote)).mode & 0o777, 0o600);
  const health = await here.run(['request', 'GET', '/api/v1/health', '--via', 'desk']);
  assert.equal(health.code, 0, health.stderr);
  assert.equal((health.json() as { status: string }).status, 'healthy');
  const status = await here.run(['status', '--json', `--via=${address}`]);
  assert.equal((status.json() as { pid: number }).pid, backend.ready.pid);
  const [device] = ((await there.run(['device', 'list', '--json'])).json() as { devices: { name: string }[] })
    .devices;
  assert.equal(device?.name, 'laptop');

  assert.match((await here.run(['request', 'GET', '/', '--via', 'nowhere'])).stderr, /Known: desk/);
  const local = await here.run(['start', '--via', 'desk']);
  assert.equal(local.code, 2);
  assert.match(local.stderr, /works only on the machine of the backend/);
  const query = await here.run(['db', 'query', 'SELECT 1 AS one', '--json', '--via', 'desk']);
  assert.deepEqual((query.json() as { rows: unknown }).rows, [[1]], query.stderr);
  const backup = await here.run(['db', 'backup', here.home, '--via', 'desk']);
  assert.equal(backup.code, 2);
  assert.match(backup.stderr, /`aico db backup` works only on the machine of the backend/);
  const again = ['device', 'join', address, '--code-file', codeFile];
  assert.match((await here.run([...again, '--as', 'desk'])).stderr, /called "desk" is already known/);
  assert.match((await here.run([...again, '--as', 'other'])).stderr, /AICO_CHANNEL_REFUSED/);
  const listed = (await here.run(['device', 'joined', '--json'])).json() as { remotes: { name: string }[] };
  assert.deepEqual(
    listed.remotes.map(({ name }) => name),
    ['desk'],
  );
  assert.doesNotMatch(JSON.stringify(listed), /psk|deviceKey/);
  assert.equal((await here.run(['device', 'forget', 'desk'])).code, 0);
  assert.match((await here.run(['status', '--via', 'desk'])).stderr, /not paired with a backend/);
});

test('an empty or invalid address is reported before anything is done', async (t) => {
  const { here, there, codeFile } = await joined(t);
  for (const [words, said] of [
    [['status', '--home', ''], /--home is empty/],
    [['status', '--via='], /--via is empty/],
    [['db', 'backup', ''], /it is empty/],
    [['db', 'restore', '', '--yes'], /it is empty/],
    [['device', 'join', '', '--code-file', codeFile], /"" is not an address/],
    [['device', 'join', '127.0.0.1:99999', '--code-file', codeFile], /"127.0.0.1:99999" is not an address/],
    [
      ['bus', 'request', 'a', 'b', '-t', '0'],
      /hint: `aico bus request --help` shows its arguments and options/,
    ],
    [
      ['security', 'slots', 'add', 'nope'],
      /hint: `aico security slots add --help` shows its arguments and options/,
    ],
  ] as const) {
    const { code, stderr } = await there.run(words);
    assert.equal(code, 2, stderr);
    assert.match(stderr, said);
  }
  const unreachable = await here.run([
    'device',
    'join',
    '127.0.0.1:1',
    '--as',
    'other',
    '--code-file',
    codeFile,
  ]);
  assert.match(unreachable.stderr, /hint: Start it there .*rest\.host/);
});

test('the commands of a plugin work from elsewhere', async (t) => {
  const { here } = await joined(t, ['--plugin', INBOX]);
  const unknown = await here.run(['inbox', 'search', 'heron', '--via', 'desk']);
  assert.equal(unknown.code, 2);
  assert.match(unknown.stderr, /aico plugin add/);
  const added = await here.run(['plugin', 'add', INBOX, '--json']);
  assert.deepEqual(added.json(), { name: 'inbox', module: INBOX, added: true }, added.stderr);
  const mail = path.join(here.home, 'one.eml');
  await writeFile(
    mail,
    'From: a@example.org\nTo: b@example.org\nSubject: The heron\n\nstands in the reeds\n',
  );
  const imported = await here.run(['inbox', 'import', mail, '--via', 'desk', '--json']);
  assert.equal(imported.code, 0, imported.stderr);
  const found = await here.run(['inbox', 'search', 'heron', '--via', 'desk']);
  assert.match(found.stdout, /The heron/);
  assert.equal((await here.run(['plugin', 'add', INBOX, '--via', 'desk'])).code, 2);
  assert.equal((await here.run(['plugin', 'remove', 'inbox'])).code, 0);
  assert.equal((await here.run(['inbox', 'search', 'heron', '--via', 'desk'])).code, 2);
  const gone = await here.run(['plugin', 'remove', 'inbox']);
  assert.equal(gone.code, 1);
  assert.match(gone.stderr, /there is no plugin "inbox"/);
});

test('aico proxy forwards requests with the token, including bodies and refusals, and refuses others and web pages', async (t) => {
  const { here } = await joined(t);
  const child = here.spawn(['proxy', '--via', 'desk', '--json']);
  const exited = once(child, 'exit');
  const { stdout } = child;
  assert.ok(stdout);
  const [line] = await once(createInterface({ input: stdout }), 'line');
  const { url, token } = JSON.parse(line) as { url: string; token: string };
  const headers = { authorization: `Bearer ${token}` };
  const status = await fetch(`${url}/api/v1/system/status`, { headers });
  assert.equal(status.status, 200);
  assert.equal(((await status.json()) as { state: string }).state, 'ready');
  const basic = `Basic ${Buffer.from(`me:${token}`).toString('base64')}`;
  assert.equal((await fetch(`${url}/livez`, { headers: { authorization: basic } })).status, 200);
  const posted = await fetch(`${url}/api/v1/database/query`, {
    method: 'POST',
    headers: { ...headers, 'content-type': 'application/json' },
    body: '{"sql":"SELECT 1 AS one"}',
  });
  assert.match(await posted.text(), /"one"/);
  const refused = await fetch(`${url}/api/v1/none`, { headers });
  assert.equal(refused.status, 404);
  assert.match(refused.headers.get('content-type') ?? '', /^application\/problem\+json/);

  for (const wrong of [{}, { authorization: `Bearer ${token}x` }, { authorization: 'Basic !' }])
    assert.equal((await fetch(`${url}/livez`, { headers: wrong })).status, 401);
  assert.equal(
    (await fetch(`${url}/livez`, { headers: { ...headers, origin: 'http://evil.example' } })).status,
    403,
  );
  const upgrade = get(`${url}/api/v1/events/ws`, {
    headers: { ...headers, connection: 'Upgrade', upgrade: 'websocket' },
  });
  const [answer] = (await once(upgrade, 'response')) as [IncomingMessage];
  assert.equal(answer.statusCode, 501);
  assert.match(await text(answer), /carries no WebSockets/);
  child.kill('SIGTERM');
  assert.deepEqual(await exited, [0, null]);
});
