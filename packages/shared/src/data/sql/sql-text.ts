/** Strings, quoted names and comments of SQLite's grammar. */
const OPAQUE = /'(?:[^']|'')*'|"(?:[^"]|"")*"|`(?:[^`]|``)*`|\[[^\]]*\]|--[^\n]*|\/\*[\s\S]*?(?:\*\/|$)/g;
const TRIGGER = /^\s*create\s+(?:temp\s+|temporary\s+)?trigger\b/i;
const TRIGGER_END = /;\s*end\s*$/i;

/**
 * Replaces strings and comments in `sql` by spaces, and the punctuation of quoted names by underscores, without changing its
 * length. So a match in the result is code.
 */
export function codeOf(sql: string): string {
  return sql.replace(OPAQUE, (piece) => {
    if (piece.startsWith("'")) return `'${' '.repeat(piece.length - 2)}'`;
    if (piece.startsWith('-') || piece.startsWith('/')) return piece.replace(/[^\n]/g, ' ');
    return ` ${piece.slice(1, -1).replace(/\W/g, '_')} `;
  });
}

/** The first word of a statement in lower case, or an empty string. */
export function keywordOf(sql: string): string {
  return /^\s*([a-z]+)/i.exec(codeOf(sql))?.[1]?.toLowerCase() ?? '';
}

/** The statement inside an EXPLAIN; `undefined` for other statements. */
export function explainedIn(sql: string): string | undefined {
  const prefix = /^\s*explain\b(?:\s+query\s+plan\b)?/i.exec(codeOf(sql))?.[0];
  return prefix === undefined ? undefined : sql.slice(prefix.length);
}

/** Splits a script into its statements. The body of a trigger is part of its statement. */
export function splitStatements(sql: string): readonly string[] {
  const code = codeOf(sql);
  const statements: string[] = [];
  let start = 0;
  const take = (end: number): void => {
    if (code.slice(start, end).trim() !== '') statements.push(sql.slice(start, end).trim());
  };
  for (let at = code.indexOf(';'); at !== -1; at = code.indexOf(';', at + 1)) {
    const part = code.slice(start, at);
    if (TRIGGER.test(part) && !TRIGGER_END.test(part)) continue;
    take(at);
    start = at + 1;
  }
  take(code.length);
  return statements;
}

/** A name as a quoted identifier of SQL. */
export function quotedName(name: string): string {
  return `"${name.replace(/"/g, '""')}"`;
}
