/**
 * A stranger's text on one line: a subject that has line ends would look like lines of the command's own. Control
 * characters are made visible by `output.print()`.
 *
 * @example oneLine('Re:\n  lunch') // 'Re: lunch'
 */
export function oneLine(text: string): string {
  return text.replaceAll(/\s+/g, ' ').trim();
}
