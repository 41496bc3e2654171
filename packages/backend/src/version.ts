import { readFileSync } from 'node:fs';
import { parseJson } from '@aico/protocol';

const { version } = parseJson(readFileSync(new URL('../package.json', import.meta.url), 'utf8')) as {
  version: string;
};

/** The version of `@aico/backend`. */
export const VERSION: string = version;
