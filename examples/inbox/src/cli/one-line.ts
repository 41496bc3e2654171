/**
 * Foreign text on one line: a subject with line ends would look like further lines of the command's output. Control
 * characters are made visible by `output.print()`.
 *
 * @example oneLine('Re:\n  lunch') // 'Re: lunch'
 */
export function oneLine(text: string): string {
  return text.replaceAll(/\s+/g, ' ').trim();
}
