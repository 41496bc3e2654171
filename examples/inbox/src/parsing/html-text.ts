import { Parser } from 'htmlparser2';

const INVISIBLE: ReadonlySet<string> = new Set(['script', 'style', 'head', 'title', 'template']);
const BREAKS: ReadonlySet<string> = new Set(['br', 'p', 'div', 'tr', 'li', 'h1', 'h2', 'h3', 'td']);

/**
 * The text of a page as a reader sees it, for the search index.
 *
 * @example textOfHtml('<p>Hello <b>you</b></p>') // 'Hello you'
 */
export function textOfHtml(html: string): string {
  let text = '';
  let hidden = 0;
  const parser = new Parser({
    onopentag(name) {
      if (INVISIBLE.has(name)) hidden += 1;
      if (BREAKS.has(name)) text += '\n';
    },
    ontext(part) {
      if (hidden === 0) text += part;
    },
    onclosetag(name) {
      if (INVISIBLE.has(name)) hidden -= 1;
      if (BREAKS.has(name)) text += '\n';
    },
  });
  parser.write(html);
  parser.end();
  // Line by line: one expression over the whole is quadratic on long runs of blanks.
  return text
    .split('\n')
    .map((line) => line.split(/\s/).filter(Boolean).join(' '))
    .filter(Boolean)
    .join('\n');
}
