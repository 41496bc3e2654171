import { readFileSync } from 'node:fs';
import { UsageError } from '../errors.ts';

/** The character that Node reads for bytes that are not UTF-8. */
const REPLACEMENT = '\ufffd';

/**
 * Refuses arguments and `AICO_` variables that Node has altered. Node reads them as UTF-8 and replaces every invalid byte, so a
 * command would work with another text, or another file, than it was given.
 *
 * @throws {UsageError}
 */
export function refuseAltered(words: readonly string[], env: NodeJS.ProcessEnv = process.env): void {
  const given = words.some((word) => word.includes(REPLACEMENT))
    ? bytesOf('cmdline')?.slice(-words.length)
    : [];
  for (const [index, word] of words.entries())
    if (word.includes(REPLACEMENT) && !isThere(word, given?.[index])) throw altered(`argument ${index + 1}`);
  const names = Object.keys(env).filter(
    (name) => name.startsWith('AICO_') && (name + env[name]).includes(REPLACEMENT),
  );
  const variables = names.length > 0 ? bytesOf('environ') : [];
  for (const name of names)
    if (variables?.some((variable) => isThere(`${name}=${env[name]}`, variable)) !== true)
      throw altered(`the variable ${name}`);
}

function isThere(text: string, bytes: Buffer | undefined): boolean {
  return bytes?.equals(Buffer.from(text, 'utf8')) === true;
}

/** The parts as bytes from the system; `undefined` if the system does not show them. */
function bytesOf(part: 'cmdline' | 'environ'): readonly Buffer[] | undefined {
  try {
    const bytes = readFileSync(`/proc/self/${part}`, 'latin1');
    return bytes
      .split('\0')
      .slice(0, -1)
      .map((each) => Buffer.from(each, 'latin1'));
  } catch {
    return undefined;
  }
}

function altered(what: string): UsageError {
  return new UsageError(
    `${what} is not UTF-8 text`,
    'Write it in UTF-8. Bytes of another kind are read exactly from a file, where a command takes one.',
  );
}
