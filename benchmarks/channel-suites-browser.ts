/**
 * The comparison of channel-suites.ts for browsers, in Debian's Chromium: `node benchmarks/channel-suites-browser.ts`. Every
 * candidate seals and opens records of each size in turn. The output has medians in microseconds, and ratios to the chosen one.
 */
import { build } from 'esbuild';
import { chromium } from 'playwright-core';

const PAGE = `
import { nobleSuite } from '@aico/protocol/channel/noble';
import { gcm } from '@noble/ciphers/aes.js';

const ROUNDS = 9;
const ROUND_MS = 25;
const SIZES = [256, 1024, 16384, 65519];

function noble(size) {
  const aead = nobleSuite.aead(nobleSuite.random(32));
  const sealed = new Uint8Array(size + 16);
  const plain = sealed.subarray(0, size);
  return async () => { aead.seal(1, undefined, plain, sealed); aead.open(1, undefined, sealed, plain); };
}
function nobleGcm(size) {
  const [key, nonce, plain] = [nobleSuite.random(32), nobleSuite.random(12), new Uint8Array(size)];
  return async () => { gcm(key, nonce).decrypt(gcm(key, nonce).encrypt(plain)); };
}
async function webCrypto(size) {
  const key = await crypto.subtle.generateKey({ name: 'AES-GCM', length: 256 }, false, ['encrypt', 'decrypt']);
  const [iv, plain] = [nobleSuite.random(12), new Uint8Array(size)];
  const algorithm = { name: 'AES-GCM', iv };
  return async () => { await crypto.subtle.decrypt(algorithm, key, await crypto.subtle.encrypt(algorithm, key, plain)); };
}
globalThis.measure = async () => {
  const results = [];
  for (const size of SIZES) {
    const works = { 'ChaChaPoly, @noble': noble(size), 'AESGCM, @noble': nobleGcm(size), 'AESGCM, WebCrypto': await webCrypto(size) };
    const times = {};
    for (let round = 0; round <= ROUNDS; round += 1)
      for (const [name, work] of Object.entries(works)) {
        let calls = 0;
        const start = performance.now();
        let elapsed = 0;
        while (elapsed < ROUND_MS) {
          for (let n = 0; n < 4; n += 1) await work();
          calls += 4;
          elapsed = performance.now() - start;
        }
        if (round > 0) (times[name] ??= []).push((elapsed * 1000) / calls);
      }
    results.push({ size, times });
  }
  return results;
};
`;

interface Row {
  readonly size: number;
  readonly times: Readonly<Record<string, readonly number[]>>;
}

const { outputFiles } = await build({
  stdin: { contents: PAGE, resolveDir: import.meta.dirname, loader: 'js' },
  bundle: true,
  minify: true,
  write: false,
  format: 'iife',
  platform: 'browser',
});
const browser = await chromium.launch({
  executablePath: '/usr/bin/chromium',
  args: ['--no-sandbox', '--disable-gpu', '--disable-background-networking', '--disable-component-update'],
});
try {
  const page = await browser.newPage();
  // WebCrypto requires a trustworthy origin such as localhost. The request never leaves the browser.
  await page.route('http://localhost/', (route) =>
    route.fulfill({ contentType: 'text/html', body: '<!doctype html>' }),
  );
  await page.goto('http://localhost/');
  await page.addScriptTag({ content: outputFiles[0]?.text ?? '' });
  const rows = (await page.evaluate('measure()')) as readonly Row[];
  process.stdout.write(`${browser.version()}\n`);
  for (const { size, times } of rows) {
    process.stdout.write(`\n${size} bytes\n`);
    const medians = Object.entries(times).map(([name, values]) => [name, median(values)] as const);
    const base = medians[0]?.[1] ?? Number.NaN;
    for (const [name, value] of medians)
      process.stdout.write(
        `  ${name.padEnd(22)} ${value.toFixed(1).padStart(9)} us  x ${(value / base).toFixed(2)}\n`,
      );
  }
} finally {
  await browser.close();
}

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[values.length >> 1] ?? Number.NaN;
}
