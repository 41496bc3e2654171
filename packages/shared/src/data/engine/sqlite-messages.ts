/**
 * Messages of SQLite about statements that fail. A group `(.*)` is where it repeats part of the statement, of a parameter or of
 * the schema; everything outside the groups is SQLite's own text.
 */
const MESSAGES: readonly RegExp[] = [
  /^no such (?:table|column|function|module|index|view|trigger|collation sequence|savepoint|database|tokenizer|table column): (.*)$/d,
  /^no such (?:window|cursor|index|view|trigger|vfs)\b: ?(.*)$/d,
  /^near "(.*)": syntax error$/d,
  /^(?:unrecognized token|unknown table option|unknown datatype for|unknown join type): ?(.*)$/d,
  /^ambiguous column name: (.*)$/d,
  /^incomplete input$/d,
  /^unterminated string$/d,
  /^malformed MATCH expression: \[(.*)\]$/d,
  /^unable to use function (.*) in the requested context$/d,
  /^fts5: syntax error near "(.*)"$/d,
  /^fts5: (?:parser stack overflow|phrase queries are not supported \(detail!=full\)|NEAR queries are not supported \(detail!=full\)|column queries are not supported \(detail=none\))$/d,
  /^fts5: expected integer, got "(.*)"$/d,
  /^fts5: corruption (?:found reading blob|in table|on page) ?(.*)$/d,
  /^fts5 expression tree is too large \(maximum depth \d+\)$/d,
  /^unknown special query: (.*)$/d,
  /^(?:bad JSON path|JSON path error near|malformed JSON path): ?(.*)$/d,
  /^JSON path error near (.*)$/d,
  /^malformed JSON$/d,
  /^JSON cannot hold BLOB values$/d,
  /^(?:UNIQUE|NOT NULL|CHECK|FOREIGN KEY|PRIMARY KEY) constraint failed$/d,
  /^(?:UNIQUE|NOT NULL|CHECK|FOREIGN KEY|PRIMARY KEY) constraint failed: (.*)$/d,
  /^UNIQUE constraint failed: index '(.*)'$/d,
  /^cannot store \w+ value in \w+ column (.*)$/d,
  /^(?:datatype mismatch|integer overflow|constraint failed|row value misused|string or blob too big)$/d,
  /^table (.*) has \d+ columns but \d+ values were supplied$/d,
  /^table (.*) has no column named (.*)$/d,
  /^\d+ values for \d+ columns$/d,
  /^(?:table|index|view|trigger|there is already a table named|there is already an index named) (.*?)(?: already exists)?$/d,
  /^table (.*) may not be (?:modified|dropped|altered|indexed)$/d,
  /^cannot modify (.*) because it is a view$/d,
  /^cannot (?:INSERT into|UPDATE) generated column (.*)$/d,
  /^wrong number of arguments to function (.*)$/d,
  /^misuse of (?:aggregate|window function|aggregate function)(?:: ?| )(.*)$/d,
  /^sub-select returns \d+ columns - expected \d+$/d,
  /^SELECTs to the left and right of (?:UNION|UNION ALL|EXCEPT|INTERSECT) do not have the same number of result columns$/d,
  /^all VALUES must have the same number of terms$/d,
  /^\d+(?:st|nd|rd|th) (?:ORDER|GROUP) BY term out of range - should be between 1 and \d+$/d,
  /^(?:a GROUP BY|HAVING) clause is required (.*)$/d,
  /^too many (?:SQL variables|terms in compound SELECT|columns in result set|levels of trigger recursion|FROM clause terms, max: \d+)$/d,
  /^too many (?:columns|arguments) on (.*)$/d,
  /^Expression tree is too large \(maximum depth \d+\)$/d,
  /^(?:parser stack overflow|LIKE or GLOB pattern too complex|ESCAPE expression must be a single character)$/d,
  /^variable number must be between \?1 and \?\d+$/d,
  /^foreign key mismatch - (.*)$/d,
  /^(?:database disk image is malformed|disk I\/O error|database or disk is full|file is not a database|out of memory)$/d,
  /^(?:attempt to write a readonly database|unable to open database file|database (?:table |schema )?is locked|interrupted)$/d,
  /^malformed database schema \((.*)$/d,
];

/**
 * Replaces the quoted parts of `message` by `…`, unless `isPublic` allows them. An unknown message is shown only if all of it
 * is public.
 */
export function publicReason(message: string, isPublic: (text: string) => boolean): string {
  for (const pattern of MESSAGES) {
    const found = pattern.exec(message);
    if (found === null) continue;
    let shown = '';
    let at = 0;
    for (const range of found.indices?.slice(1) ?? []) {
      if (range === undefined) continue;
      const [start, end] = range;
      const text = message.slice(start, end);
      shown += `${message.slice(at, start)}${isPublic(text) ? text : '…'}`;
      at = end;
    }
    return shown + message.slice(at);
  }
  return isPublic(message) ? message : 'the message of SQLite may contain private text';
}
