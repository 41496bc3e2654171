/**
 * Writes packages/client/src/core/api.ts and reply-shapes.json: the types of the backend's own routes and the shapes of their
 * replies, from the OpenAPI document that a backend serves. A test says when the files are out of date.
 */
import { writeFile } from 'node:fs/promises';
import { describeApi } from '../packages/client/test/fixtures/describe-api.ts';

const core = new URL('../packages/client/src/core/', import.meta.url);
const { types, shapes } = await describeApi();
await writeFile(new URL('api.ts', core), types);
await writeFile(new URL('reply-shapes.json', core), shapes);
