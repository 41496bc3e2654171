import path from 'node:path';
import { fileURLToPath } from 'node:url';

/** The sources of the backend and of the packages that it depends on. */
const OWN = [
  new URL('../', import.meta.url).href,
  new URL('../', import.meta.resolve('@aico/shared/data')).href,
  new URL('./', import.meta.resolve('@aico/protocol')).href,
];

/** Stack frames that are skipped: functions that act for their caller, such as `pause()`, and the testing kit itself. */
const SKIPPED =
  /\/(?:timing|core\/tasks)\/[\w-]+\.[jt]s:|\/testing\/(?:maker|open-resources|test-bus)\.[jt]s:/;

const FRAMES = 40;
const FRAME = /(?:\(|at (?:async )?)((?:file:\/\/)?\/[^()]+:\d+):\d+\)?$/;

/** The nearest caller outside of the backend and Node, as `file:line`. */
export function callerHere(): string | undefined {
  const foreign = frames().filter((frame) => !isOwn(frame));
  return shown(foreign.find((frame) => !isLibrary(frame)) ?? foreign[0]);
}

/**
 * The code that opens a resource: `'node'` if only Node is on the stack, `undefined` for the backend, or for a library
 * that the backend calls; otherwise the line of the code, as `file:line`.
 */
export function openerHere(): { readonly line: string } | 'node' | undefined {
  const all = frames();
  if (all.length === 0) return 'node';
  const end = all.findIndex(isOwn);
  const before = end < 0 ? all : all.slice(0, end);
  const line = shown(before.find((frame) => !isLibrary(frame)) ?? (end < 0 ? before[0] : undefined));
  return line === undefined ? undefined : { line };
}

function frames(): readonly string[] {
  const { stackTraceLimit } = Error;
  Error.stackTraceLimit = FRAMES;
  const { stack = '' } = new Error();
  Error.stackTraceLimit = stackTraceLimit;
  return stack
    .split('\n')
    .flatMap((line) => FRAME.exec(line)?.[1] ?? [])
    .filter((frame) => !(isOwn(frame) && SKIPPED.test(frame)));
}

function isLibrary(frame: string): boolean {
  return frame.includes('/node_modules/');
}

function isOwn(frame: string): boolean {
  const url = frame.startsWith('file:') ? frame : `file://${frame}`;
  return !/\.test\.[jt]s:/.test(url) && OWN.some((root) => url.startsWith(root));
}

function shown(frame: string | undefined): string | undefined {
  if (frame === undefined) return undefined;
  const [, file = frame, line = ''] = /^(.*):(\d+)$/.exec(frame) ?? [];
  const name = file.startsWith('file:') ? fileURLToPath(file) : file;
  const relative = path.relative(process.cwd(), name);
  return `${relative.startsWith('..') ? name : relative}:${line}`;
}
