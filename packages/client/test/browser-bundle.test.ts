import assert from 'node:assert/strict';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { type TestContext, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';
import { localRequest } from '@aico/backend/testing';
import { build } from 'esbuild';
import { chromium } from 'playwright-core';
import { startPaired } from './fixtures/paired.ts';

const ENTRY = fileURLToPath(new URL('../src/browser.ts', import.meta.url));
const CHROMIUM = '/usr/bin/chromium';
/** The sizes in bytes, minified and compressed, from docs/client.md. */
const LARGEST = 40_000;

async function bundle(): Promise<string> {
  const { outputFiles, warnings } = await build({
    entryPoints: [ENTRY],
    bundle: true,
    minify: true,
    write: false,
    format: 'iife',
    globalName: 'aico',
    platform: 'browser',
    target: 'es2022',
  });
  assert.deepEqual(warnings, []);
  return outputFiles[0]?.text ?? '';
}

test('the client bundles for browsers without Node builtins, within the documented size', async (t) => {
  const code = await bundle();
  const compressed = gzipSync(code).byteLength;
  t.diagnostic(`${code.length} bytes, ${compressed} compressed`);
  assert.ok(compressed <= LARGEST, `${compressed} bytes compressed`);
  assert.doesNotMatch(code, /node:|require\(/);
});

/** A page with the client, from another origin than the backend's. */
async function servePage(t: TestContext, code: string): Promise<string> {
  const server = createServer((_request, response) => {
    response.setHeader('content-type', 'text/html; charset=utf-8');
    response.end(
      `<!doctype html><title>client</title><script>${code.replaceAll('</script', '<\\/script')}</script>`,
    );
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => {
    server.closeAllConnections();
    server.close();
  });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
}

test('a page in Chromium pairs, requests, uploads, subscribes and cancels through the channel', {
  skip: !existsSync(CHROMIUM) && `${CHROMIUM} is not installed (Debian: chromium)`,
}, async (t) => {
  const { backend } = await startPaired(t);
  const reply = await localRequest(backend.socket, '/api/v1/devices/pairings', { method: 'POST', body: {} });
  const { code } = reply.json() as { readonly code: string };
  const url = await servePage(t, await bundle());
  const browser = await chromium.launch({
    executablePath: CHROMIUM,
    args: ['--no-sandbox', '--disable-gpu', '--disable-background-networking', '--disable-component-update'],
  });
  t.after(() => browser.close());
  const page = await browser.newPage();
  await page.goto(url);
  const given = JSON.stringify({ address: backend.http, code });
  const outcome = page.evaluate(`(${IN_PAGE})(${given})`);
  await page.waitForFunction('globalThis.following === true');
  await backend.container.getService('message_bus').publish('notes.new', { text: 'ü' });
  assert.deepEqual(await outcome, {
    status: 200,
    echoed: 3_000_000,
    json: { body: { text: 'ü' }, type: 'application/json' },
    event: { topic: 'notes.new', data: { text: 'ü' } },
    aborted: 'AbortError',
    refused: 'AICO_GATEWAY_NOT_FOUND',
    stranger: 'AICO_CHANNEL_REFUSED',
  });
});

/** Serialised and run in the page, so it can use nothing of this file. */
const IN_PAGE = `async ({ address, code }) => {
  const credentials = await aico.pair({ address, code, name: 'a page' });
  const client = await aico.connect({ address, credentials });
  const { status } = await client.fetch('/api/v1/ways/query?n=1');
  const echo = await client.fetch('/api/v1/ways/echo', {
    method: 'POST',
    headers: { 'content-type': 'application/octet-stream' },
    body: new Uint8Array(3_000_000).fill(7),
  });
  const bytes = new Uint8Array(await echo.arrayBuffer());
  const json = await client.json('/api/v1/ways/json', {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ text: 'ü' }),
  });
  let event;
  for await (const { topic, data } of client.subscribe('notes.*', { onOpen: () => (globalThis.following = true) })) {
    event = { topic, data };
    break;
  }
  const controller = new AbortController();
  const never = client.fetch('/api/v1/ways/never', { signal: controller.signal }).catch((error) => error.name);
  controller.abort();
  const refused = await client.json('/api/v1/none').catch((error) => error.code);
  const other = { ...credentials, deviceKey: '01'.repeat(32) };
  const stranger = await aico.connect({ address, credentials: other }).catch((error) => error.code);
  const aborted = await never;
  await client.close();
  return { status, echoed: bytes.filter((byte) => byte === 7).length, json, event, aborted, refused, stranger };
}`;
