/**
 * Why a message is too large. Said by the importer, and by the command that does not even send such a message.
 *
 * @example tooLarge(26_500_000, 26_214_400) // 'it has 25.3 MiB, and the limit is 25.0 MiB'
 */
export function tooLarge(bytes: number, limit: number): string {
  const mib = (count: number): string => (count / 1_048_576).toFixed(1);
  return `it has ${mib(bytes)} MiB, and the limit is ${mib(limit)} MiB`;
}
