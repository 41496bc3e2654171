/**
 * Text as one word of a shell, for commands that a message suggests.
 *
 * @example shellQuoted('/srv/my notes'); // "'/srv/my notes'"
 */
export function shellQuoted(text: string): string {
  if (/^[\w@%+=:,./\\-]+$/.test(text)) return text;
  return process.platform === 'win32'
    ? `"${text.replaceAll('"', '""')}"`
    : `'${text.replaceAll("'", "'\\''")}'`;
}
