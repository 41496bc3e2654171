import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { type AICOPaths, makePrivateFolder, removeDurably, writePrivateFile } from '@aico/shared/core/paths';

/** Programs that open an address in the user's browser, by platform. */
const OPENERS: Readonly<Partial<Record<NodeJS.Platform, readonly [program: string, ...args: string[]]>>> = {
  darwin: ['open'],
  linux: ['xdg-open'],
  win32: ['rundll32', 'url.dll,FileProtocolHandler'],
};

/** A file that leads a browser to an address. */
interface Opening {
  readonly file: string;
  remove(): Promise<void>;
}

/**
 * Writes a file that only this user may read and that leads a browser to `url`. The arguments of a process can be read by every
 * user of the machine, so a browser is started with the file and not with an address that has a secret.
 */
export async function redirection(paths: AICOPaths, url: string): Promise<Opening> {
  await makePrivateFolder(paths.runtimeDir);
  const file = path.join(paths.runtimeDir, `ui-${randomBytes(8).toString('hex')}.html`);
  const page = `<!doctype html><meta charset="utf-8"><meta name="referrer" content="no-referrer"><title>AICO</title><meta http-equiv="refresh" content="0;url=${url}"><a href="${url}">Open the page</a>\n`;
  await writePrivateFile(file, page);
  return { file, remove: () => removeDurably(file) };
}

/** Opens a file in the user's browser. Without one nothing happens: the address is printed as well. */
export function openInBrowser(file: string): void {
  const [program, ...args] = OPENERS[process.platform] ?? [];
  if (program === undefined) return;
  spawn(program, [...args, pathToFileURL(file).href], { stdio: 'ignore', detached: true })
    .on('error', () => {})
    .unref();
}
