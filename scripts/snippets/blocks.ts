import { globSync, readFileSync } from 'node:fs';

/** A fenced code block of a document. */
export interface Block {
  readonly document: string;
  /** Of the opening fence, from 1. */
  readonly line: number;
  /** The word after the fence, or an empty string. */
  readonly language: string;
  readonly code: string;
  /** The comment above the block. */
  readonly mark: Mark | undefined;
}

type Mark =
  /** `<!-- source: path -->`: the block is that file, which a test runs. */
  | { readonly kind: 'source'; readonly path: string }
  /** `<!-- not run: reason -->`: no test can run the block. */
  | { readonly kind: 'not-run'; readonly reason: string };

/** Languages whose blocks are run or marked. Blocks of other languages, or of none, show output or a layout. */
const RUNNABLE: ReadonlySet<string> = new Set(['sh', 'bash', 'ts', 'js', 'py', 'yaml', 'ini', 'sql']);

export const DOCUMENTS: readonly string[] = globSync([
  '*.md',
  'docs/**/*.md',
  'packages/*/*.md',
  'examples/*/*.md',
]).sort();

export function isRunnable({ language }: Block): boolean {
  return RUNNABLE.has(language);
}

/** Every code block of a document, in order. */
export function blocksOf(document: string, text: string = readFileSync(document, 'utf8')): readonly Block[] {
  const blocks: Block[] = [];
  const lines = text.split('\n');
  let open: { readonly at: number; readonly language: string } | undefined;
  for (const [at, line] of lines.entries()) {
    const fence = /^```(\w*)$/.exec(line.trimEnd());
    if (fence === null) continue;
    if (open === undefined) {
      open = { at, language: fence[1] ?? '' };
      continue;
    }
    const code = lines.slice(open.at + 1, at).join('\n');
    const mark = markIn(lines[open.at - 1] ?? '');
    blocks.push({ document, line: open.at + 1, language: open.language, code, mark });
    open = undefined;
  }
  if (open !== undefined) throw new Error(`${document}:${open.at + 1}: the code block does not end`);
  return blocks;
}

function markIn(line: string): Mark | undefined {
  const [, kind, text = ''] = /^<!-- (source|not run): (.+) -->$/.exec(line.trim()) ?? [];
  if (kind === 'source') return { kind: 'source', path: text };
  return kind === 'not run' ? { kind: 'not-run', reason: text } : undefined;
}
