/** Code of the project itself, as sources or as an installed package. */
const OWN_CODE = /\/(?:packages|@aico)\/(?:protocol|shared|backend|client|cli)\/(?:src|dist)\//;

/** The query that a reload adds to the URLs of a plugin's modules, without its hexadecimal digits. */
export const GENERATION_QUERY = '?aico-generation=';

/** Removes the queries of reloads from the names of modules in a message or a stack. */
export function withoutGenerations(text: string): string {
  return text.replaceAll(/\?aico-generation=[0-9a-f]+/g, '');
}

/**
 * The file, line and column in a plugin's code that an error comes from: the topmost stack frame outside the project and, if
 * there is one, outside of other packages.
 *
 * @example placeOf(error) // '/home/anna/notes/plugin.ts:12:9'
 */
export function placeOf(error: unknown): string | undefined {
  if (!(error instanceof Error)) return undefined;
  // Node prints the location of some syntax errors in lines before the stack.
  const stack = withoutGenerations(error.stack ?? '');
  const source = /^(?:file:\/\/)?(\/[^\n]+:\d+)\n/.exec(stack)?.[1];
  if (source !== undefined) return source;
  const frames = [...stack.matchAll(/^ {4}at .*?file:\/\/(\/[^\n]+?:\d+:\d+)\)?$/gm)]
    .map(([, frame = '']) => frame)
    .filter((frame) => !OWN_CODE.test(frame));
  return frames.find((frame) => !frame.includes('/node_modules/')) ?? frames[0];
}

/** ` (/home/anna/notes/plugin.ts:12:9)`, or an empty string if the location is unknown or already in the message. */
export function shownPlace(error: unknown): string {
  const place = placeOf(error);
  return place === undefined || String(error).includes(place) ? '' : ` (${place})`;
}
