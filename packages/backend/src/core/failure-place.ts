/** Code of the project itself, as sources or as an installed package. */
const OWN_CODE = /\/(?:packages|@aico)\/(?:protocol|shared|backend|client|cli)\/(?:src|dist)\//;

/**
 * The file, line and column in a plugin's code that an error comes from: the topmost frame of its stack that lies outside
 * the project and, where there is one, outside of other packages.
 *
 * @example placeOf(error) // '/home/anna/notes/plugin.ts:12:9'
 */
export function placeOf(error: unknown): string | undefined {
  if (!(error instanceof Error)) return undefined;
  // Node tells the place of some syntax errors in lines before the stack.
  const source = /^(?:file:\/\/)?(\/[^\n]+:\d+)\n/.exec(error.stack ?? '')?.[1];
  if (source !== undefined) return source;
  const frames = [...(error.stack ?? '').matchAll(/^ {4}at .*?file:\/\/(\/[^\n]+?:\d+:\d+)\)?$/gm)]
    .map(([, frame = '']) => frame)
    .filter((frame) => !OWN_CODE.test(frame));
  return frames.find((frame) => !frame.includes('/node_modules/')) ?? frames[0];
}

/** ` (/home/anna/notes/plugin.ts:12:9)`, or nothing where the place is not known or the message has it. */
export function shownPlace(error: unknown): string {
  const place = placeOf(error);
  return place === undefined || String(error).includes(place) ? '' : ` (${place})`;
}
