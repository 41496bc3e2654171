import { createReadStream } from 'node:fs';
import { readdir } from 'node:fs/promises';
import path from 'node:path';

/** The encodings in which a sentence could be in a file unencrypted. */
function formsOf(sentence: string): readonly Buffer[] {
  const utf8 = Buffer.from(sentence, 'utf8');
  // Base64 depends on the offset of the text in a group of three bytes; these are the common parts for each offset.
  const base64 = [0, 1, 2].map((shift) =>
    Buffer.from(
      Buffer.concat([Buffer.alloc(shift), utf8])
        .toString('base64')
        .slice(4, -4),
    ),
  );
  return [utf8, Buffer.from(sentence, 'utf16le'), Buffer.from(utf8.toString('hex')), ...base64];
}

export interface ScanResult {
  readonly files: number;
  readonly bytes: number;
  /** The canaries that were found, each with the first file that contains it. */
  readonly finds: ReadonlyMap<string, string>;
}

/** Every file below a folder. */
export async function filesBelow(folder: string): Promise<readonly string[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  return entries.filter((entry) => entry.isFile()).map((entry) => path.join(entry.parentPath, entry.name));
}

/**
 * Reads the files and looks for the sentences in each: as UTF-8, UTF-16, hexadecimal and base64. Ends early when every
 * sentence has been found.
 *
 * @param sentences of 8 characters or more
 */
export async function scanFor(files: readonly string[], sentences: readonly string[]): Promise<ScanResult> {
  const finds = new Map<string, string>();
  let wanted = sentences.flatMap((sentence) => formsOf(sentence).map((form) => ({ sentence, form })));
  const longest = Math.max(...wanted.map(({ form }) => form.length));
  let bytes = 0;
  for (const [index, file] of files.entries()) {
    let tail = Buffer.alloc(0);
    for await (const chunk of createReadStream(file, { highWaterMark: 1_048_576 }) as AsyncIterable<Buffer>) {
      bytes += chunk.length;
      // A sentence may be split between two chunks.
      const window = Buffer.concat([tail, chunk]);
      for (const { sentence, form } of wanted) if (window.includes(form)) finds.set(sentence, file);
      wanted = wanted.filter(({ sentence }) => !finds.has(sentence));
      if (wanted.length === 0) return { files: index + 1, bytes, finds };
      tail = Buffer.from(window.subarray(Math.max(0, window.length - longest)));
    }
  }
  return { files: files.length, bytes, finds };
}
