import { createReadStream } from 'node:fs';
import { readdir } from 'node:fs/promises';
import path from 'node:path';

/** The ways in which a sentence could lie in a file unencrypted. */
function formsOf(sentence: string): readonly Buffer[] {
  const utf8 = Buffer.from(sentence, 'utf8');
  // Base64 depends on where in a group of three bytes the text begins: the middle of each of the three.
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
  /** File and sentence of every find. */
  readonly finds: readonly { readonly file: string; readonly sentence: string }[];
}

/** Reads every file below `folder` and looks for the sentences: as UTF-8, UTF-16, hexadecimal and base64. */
export async function scanFor(
  folder: string,
  sentences: readonly string[],
  isWanted = (_file: string): boolean => true,
): Promise<ScanResult> {
  const needles = sentences.flatMap((sentence) => formsOf(sentence).map((form) => ({ sentence, form })));
  const longest = Math.max(...needles.map(({ form }) => form.length));
  const finds: { file: string; sentence: string }[] = [];
  let files = 0;
  let bytes = 0;
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  for (const entry of entries) {
    const file = path.join(entry.parentPath, entry.name);
    if (!entry.isFile() || !isWanted(file)) continue;
    files += 1;
    let tail = Buffer.alloc(0);
    for await (const chunk of createReadStream(file) as AsyncIterable<Buffer>) {
      bytes += chunk.length;
      // A sentence may lie across two chunks.
      const window = Buffer.concat([tail, chunk]);
      for (const { sentence, form } of needles) if (window.includes(form)) finds.push({ file, sentence });
      tail = Buffer.from(window.subarray(Math.max(0, window.length - longest)));
    }
  }
  return { files, bytes, finds };
}
