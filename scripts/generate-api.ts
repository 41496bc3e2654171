/**
 * Writes packages/client/src/core/api.ts: the types of the backend's own routes, from the OpenAPI document that a backend
 * serves. A test says when the file is out of date.
 */
import { writeFile } from 'node:fs/promises';
import { describeApi } from '../packages/client/test/fixtures/describe-api.ts';

await writeFile(new URL('../packages/client/src/core/api.ts', import.meta.url), await describeApi());
