import { removeDurably, writePrivateFile } from './durable-files.ts';

/** A file that was reserved for the result of a change, before the change is made. */
export interface PreparedFile {
  /** Writes the file, as {@link writePrivateFile} does. */
  fill(content: string): Promise<void>;
  /** Removes the reservation. */
  discard(): Promise<void>;
}

/**
 * Proves that `file` can be written, and reserves its space, before a command makes the change whose result it holds. A
 * credential that could not be stored would be lost while its grant stayed in force.
 *
 * @param bytes the largest size of the content
 * @throws {SystemError} when it cannot be written; nothing is left behind
 * @example
 * ```ts
 * const prepared = await prepareFile(file);
 * try {
 *   await prepared.fill(JSON.stringify(await pair(options)));
 * } catch (error) {
 *   await prepared.discard();
 *   throw error;
 * }
 * ```
 */
export async function prepareFile(file: string, bytes = 16_384): Promise<PreparedFile> {
  const reserve = `${file}.pending`;
  await writePrivateFile(reserve, new Uint8Array(bytes));
  return {
    fill: async (content) => {
      // The reserved space is freed for the draft of the content.
      await removeDurably(reserve);
      await writePrivateFile(file, content);
    },
    discard: () => removeDurably(reserve),
  };
}
