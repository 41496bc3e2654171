/**
 * Writes packages/client/src/core/api.ts: the types of the backend's own routes, from the OpenAPI document that a backend
 * serves. With `--check` it says whether the file is up to date. A test does that too.
 */
import { readFile, writeFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { describeApi } from '../packages/client/test/fixtures/describe-api.ts';

const FILE = fileURLToPath(new URL('../packages/client/src/core/api.ts', import.meta.url));
const described = await describeApi();
if (!process.argv.includes('--check')) await writeFile(FILE, described);
else if ((await readFile(FILE, 'utf8')) !== described) {
  process.stderr.write('packages/client/src/core/api.ts is out of date: node scripts/generate-api.ts\n');
  process.exitCode = 1;
}
