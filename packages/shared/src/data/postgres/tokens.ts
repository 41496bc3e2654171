/** A piece of a statement in PostgreSQL's grammar, without white space and comments. */
export interface Token {
  readonly kind: 'word' | 'quoted' | 'escaped' | 'string' | 'parameter' | 'number' | 'symbol' | 'unfinished';
  /** The text as written; of a quoted name, the name itself. */
  readonly text: string;
  readonly start: number;
  readonly end: number;
}

const SPACE = /\s+/y;
const LINE_COMMENT = /--[^\n\r]*/y;
const WORD = /[A-Za-z_\u0080-\uffff][\w$\u0080-\uffff]*/y;
const NUMBER = /(?:\d|\.\d)[\w.]*/y;
const STRING = /'(?:[^']|'')*'/y;
const ESCAPE_STRING = /'(?:[^'\\]|''|\\[\s\S])*'/y;
/** The next part of a string, which a line break separates from the part before. */
const CONTINUED = /(?:\s|--[^\n\r]*[\n\r])*[\n\r](?:\s|--[^\n\r]*[\n\r])*(?=')/y;
const QUOTED = /"(?:[^"]|"")*"/y;
const DOLLAR = /\$(?:[A-Za-z_\u0080-\uffff][\w\u0080-\uffff]*)?\$/y;
const PARAMETER = /\?\d*|:[A-Za-z_][\w]*/y;

/**
 * Splits a statement into tokens as PostgreSQL does, with nested comments, dollar quotes and escape strings. All rules about
 * statements look at tokens, so that text inside strings and comments is never taken for code.
 */
export function tokensOf(sql: string): readonly Token[] {
  const tokens: Token[] = [];
  let at = 0;
  const match = (pattern: RegExp): string | undefined => {
    pattern.lastIndex = at;
    return pattern.exec(sql)?.[0];
  };
  const take = (kind: Token['kind'], length: number, text = sql.slice(at, at + length)): void => {
    tokens.push({ kind, text, start: at, end: at + length });
    at += length;
  };
  while (at < sql.length) {
    const skipped = match(SPACE) ?? match(LINE_COMMENT);
    if (skipped !== undefined) {
      at += skipped.length;
      continue;
    }
    if (sql.startsWith('/*', at)) {
      const end = endOfComment(sql, at);
      if (end === undefined) take('unfinished', sql.length - at);
      else at = end;
      continue;
    }
    const isEscape = /^[eE]'/.test(sql.slice(at, at + 2));
    if (isEscape) {
      const length = escapeStringLength(sql, at + 1);
      take(
        length === undefined ? 'unfinished' : 'string',
        length === undefined ? sql.length - at : length + 1,
      );
      continue;
    }
    if (/^[uU]&["']/.test(sql.slice(at, at + 3))) {
      at += 2;
      const found = match(sql[at] === '"' ? QUOTED : STRING);
      take(found === undefined ? 'unfinished' : 'escaped', found?.length ?? sql.length - at);
      continue;
    }
    const dollar = match(DOLLAR);
    if (dollar !== undefined) {
      const end = sql.indexOf(dollar, at + dollar.length);
      take(end === -1 ? 'unfinished' : 'string', end === -1 ? sql.length - at : end + dollar.length - at);
      continue;
    }
    const char = sql[at];
    if (char === "'" || char === '"') {
      const found = match(char === "'" ? STRING : QUOTED);
      if (found === undefined) take('unfinished', sql.length - at);
      else if (char === "'") take('string', found.length);
      else take('quoted', found.length, found.slice(1, -1).replaceAll('""', '"'));
      continue;
    }
    if (sql.startsWith('::', at) || sql.startsWith(':=', at)) {
      take('symbol', 2);
      continue;
    }
    const parameter = match(PARAMETER);
    const word = parameter === undefined ? match(WORD) : undefined;
    const number = parameter === undefined && word === undefined ? match(NUMBER) : undefined;
    if (parameter !== undefined) take('parameter', parameter.length);
    else if (word !== undefined) take('word', word.length);
    else if (number !== undefined) take('number', number.length);
    else take('symbol', 1);
  }
  return tokens;
}

function endOfComment(sql: string, start: number): number | undefined {
  let depth = 0;
  for (let at = start; at < sql.length; ) {
    if (sql.startsWith('/*', at)) {
      depth += 1;
      at += 2;
    } else if (sql.startsWith('*/', at)) {
      depth -= 1;
      at += 2;
      if (depth === 0) return at;
    } else at += 1;
  }
  return undefined;
}

function escapeStringLength(sql: string, start: number): number | undefined {
  let at = start;
  for (;;) {
    ESCAPE_STRING.lastIndex = at;
    const part = ESCAPE_STRING.exec(sql)?.[0];
    if (part === undefined) return undefined;
    at += part.length;
    CONTINUED.lastIndex = at;
    const gap = CONTINUED.exec(sql)?.[0];
    if (gap === undefined) return at - start;
    at += gap.length;
  }
}

/** The token as a keyword or the name of a function: unquoted names are folded to lower case. */
export function nameOf(token: Token | undefined): string | undefined {
  if (token?.kind === 'word') return token.text.toLowerCase();
  return token?.kind === 'quoted' ? token.text : undefined;
}

/** Whether the token is one of these keywords. */
export function isKeyword(token: Token | undefined, ...keywords: readonly string[]): boolean {
  return token?.kind === 'word' && keywords.includes(token.text.toLowerCase());
}

/** Splits a script into its statements. */
export function splitScript(sql: string): readonly string[] {
  const statements: string[] = [];
  let start = 0;
  const take = (end: number): void => {
    const statement = sql.slice(start, end).trim();
    if (tokensOf(statement).length > 0) statements.push(statement);
  };
  for (const token of tokensOf(sql))
    if (token.kind === 'symbol' && token.text === ';') {
      take(token.start);
      start = token.end;
    }
  take(sql.length);
  return statements;
}
