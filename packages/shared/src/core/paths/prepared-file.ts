import { removeDurably, writePrivateFile } from './durable-files.ts';

/** A file that is known to be writable before a change is made whose result it will hold. */
export interface PreparedFile {
  /** Writes the content under the file's own name, as {@link writePrivateFile}. */
  fill(content: string): Promise<void>;
  /** Leaves nothing behind. */
  discard(): Promise<void>;
}

/**
 * Proves that `file` can be written, and takes the room it will need, before a command makes the change whose result the
 * file holds: a credential that cannot be stored would be lost, and what it stands for would remain.
 *
 * @param bytes how large the content will be at most
 * @throws {SystemError} nothing is left behind then
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
      // The room goes back first; the draft of the content takes it.
      await removeDurably(reserve);
      await writePrivateFile(file, content);
    },
    discard: () => removeDurably(reserve),
  };
}
