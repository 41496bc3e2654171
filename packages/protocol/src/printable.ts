/** Scripts whose spelling needs joiners between letters. */
const JOINING =
  '[\\p{Script=Arabic}\\p{Script=Syriac}\\p{Script=Mongolian}\\p{Script=Devanagari}\\p{Script=Bengali}\\p{Script=Gurmukhi}' +
  '\\p{Script=Gujarati}\\p{Script=Oriya}\\p{Script=Tamil}\\p{Script=Telugu}\\p{Script=Kannada}\\p{Script=Malayalam}' +
  '\\p{Script=Sinhala}\\p{Script=Khmer}\\p{Script=Myanmar}\\p{Script=Tibetan}]';

/** Control characters, invisible or direction-changing characters, line separators, lone surrogates. */
const HOSTILE = '[\\p{Cc}\\p{Cs}\\p{Default_Ignorable_Code_Point}\\u2028\\u2029\\ufff9-\\ufffb]';

/** Text of these characters alone is printable as it is: on one line, and on several. */
const PLAIN = /^[ -~]*$/;
const PLAIN_LINES = /^[\n\t -~]*$/;

interface Patterns {
  readonly hostile: RegExp;
  /** The first alternatives match joiners that words and emoji need; the group matches the others. */
  readonly parts: RegExp;
}

let patterns: Patterns | undefined;

/** Built at the first text that needs them, since the sets of Unicode take 20 ms. */
function patternsOf(): Patterns {
  patterns ??= {
    hostile: new RegExp(HOSTILE, 'v'),
    parts: new RegExp(
      `\\p{RGI_Emoji}|(?<=\\p{Emoji})[\\ufe0e\\ufe0f]|(?<=\\p{Script=Han})[\\u{e0100}-\\u{e01ef}]|` +
        `(?<=${JOINING})[\\u200c\\u200d]|(\\r\\n|${HOSTILE})`,
      'gv',
    ),
  };
  return patterns;
}

/** How `printable` treats text. */
export interface PrintableOptions {
  /** Keeps line breaks and tabs, for text of several lines. Default `false`. */
  readonly lines?: boolean;
}

/**
 * `text` with every character that controls a terminal or is invisible written as a JSON escape (`\n`, `\u001b`): control
 * characters (C0, C1), direction-changing and zero-width characters, and lone surrogates. Foreign text (the subject of a mail,
 * a line of the log, the name of a device) could otherwise move the cursor, overwrite lines above or imitate other text.
 * Joiners in emoji and in scripts that need them are kept. JSON text keeps its value.
 *
 * @example printable('a\u001b[2Jb\n'); // 'a\\u001b[2Jb\\n'
 */
export function printable(text: string, { lines = false }: PrintableOptions = {}): string {
  if ((lines ? PLAIN_LINES : PLAIN).test(text)) return text;
  const { hostile: hasHostile, parts } = patternsOf();
  if (!hasHostile.test(text)) return text;
  return text.replaceAll(parts, (part, hostile: string | undefined) => {
    if (hostile === undefined) return part;
    if (lines && (hostile === '\n' || hostile === '\t')) return hostile;
    if (lines && hostile === '\r\n') return '\n';
    return escaped(hostile);
  });
}

const SHORT: Readonly<Record<string, string>> = { '\n': '\\n', '\r': '\\r', '\t': '\\t' };

/** One escape for each UTF-16 code unit, as in JSON. */
function escaped(text: string): string {
  let result = '';
  for (let index = 0; index < text.length; index += 1) {
    const unit = text.charAt(index);
    result += SHORT[unit] ?? `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`;
  }
  return result;
}
