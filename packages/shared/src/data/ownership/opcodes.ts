/**
 * Instructions of SQLite's programs that compute, or that use cursors which other instructions have opened. Every owner may use
 * them.
 *
 * An instruction in none of these sets is refused: one that a newer SQLite adds is allowed only after a review of its effects.
 */
const COMPUTING = words(`
  Init Goto Gosub Return InitCoroutine EndCoroutine Yield BeginSubrtn Once Jump If IfNot IfPos IfNotZero DecrJumpZero
  Halt HaltIfNull Transaction Noop Explain Trace Abortable ReleaseReg CursorHint
  Integer Int64 Real String String8 Null SoftNull Blob Variable Move Copy SCopy IntCopy Param
  Add Subtract Multiply Divide Remainder Concat AddImm BitAnd BitOr BitNot ShiftLeft ShiftRight Not Or And
  Eq Ne Lt Le Gt Ge ElseEq Compare Permutation CollSeq IsNull NotNull IsType IsTrue ZeroOrNull MustBeInt
  RealAffinity Cast Affinity TypeCheck ClrSubtype GetSubtype SetSubtype MemMax OffsetLimit
  Column ColumnsUsed Offset RowData RowCell Rowid IdxRowid Count Sequence SequenceTest NullRow IfNullRow DeferredSeek
  FinishSeek SeekLT SeekLE SeekGE SeekGT SeekRowid SeekScan SeekHit SeekEnd IfNotOpen IfNoHope NoConflict NotFound Found
  NotExists IFindKey Last IfSizeBetween Rewind IfEmpty Prev Next IdxLE IdxLT IdxGT IdxGE
  MakeRecord NewRowid Insert Delete ResetCount IdxInsert IdxDelete ResetSorter Close CursorLock CursorUnlock
  SorterOpen SorterSort Sort SorterNext SorterCompare SorterData SorterInsert
  RowSetRead RowSetTest RowSetAdd Filter FilterAdd OpenEphemeral OpenAutoindex OpenPseudo OpenDup
  Program ResultRow FkCheck FkCounter FkIfZero
  VBegin VFilter VColumn VNext VInitIn
`);

/** Instructions that access the object in their operands: a table by its root page, a virtual table, or a function. */
const NAMING = words(`
  OpenRead OpenWrite ReopenIdx Clear VOpen VUpdate Function PureFunc AggStep AggStep1 AggInverse AggValue AggFinal
`);

/**
 * Instructions that change the schema. Migrations may use them, because the schema is compared before and after each statement.
 * JournalMode only reads here: SQLite uses it in `CREATE TABLE IF NOT EXISTS` of a table that exists, and pragmas are not checked
 * here. `authorise` checks the statement that SqlExec runs.
 */
const SCHEMA_CHANGING = words(`
  JournalMode
  ReadCookie SetCookie CreateBtree Destroy ParseSchema DropTable DropIndex DropTrigger VCreate VDestroy VRename Expire
  SqlExec
`);

export function isKnownOpcode(opcode: string, inMigration: boolean): boolean {
  return COMPUTING.has(opcode) || NAMING.has(opcode) || (inMigration && SCHEMA_CHANGING.has(opcode));
}

/** Functions that use only their arguments or the current row. */
const FUNCTIONS = words(`
  -> ->> abs acos acosh asin asinh atan atan2 atanh avg ceil ceiling changes char coalesce concat concat_ws cos cosh count
  cume_dist current_date current_time current_timestamp date datetime degrees dense_rank exp first_value floor format glob
  group_concat hex if ifnull iif instr julianday lag last_insert_rowid last_value lead length like likelihood likely ln log
  log10 log2 lower ltrim match max median min mod nth_value ntile nullif octet_length percent_rank percentile
  percentile_cont percentile_disc pi pow power printf quote radians random randomblob rank replace round row_number rtrim
  sign sin sinh soundex sqlite_source_id sqlite_version sqrt strftime string_agg substr substring subtype sum tan tanh time
  timediff total total_changes trim trunc typeof unhex unicode unistr unistr_quote unixepoch unlikely upper zeroblob
  json json_array json_array_insert json_array_length json_error_position json_extract json_group_array json_group_object
  json_insert json_object json_patch json_pretty json_quote json_remove json_replace json_set json_type json_valid
  jsonb jsonb_array jsonb_array_insert jsonb_extract jsonb_group_array jsonb_group_object jsonb_insert jsonb_object
  jsonb_patch jsonb_remove jsonb_replace jsonb_set
  bm25 highlight snippet fts5_get_locale fts5_insttoken fts5_locale
  geopoly_area geopoly_bbox geopoly_blob geopoly_ccw geopoly_contains_point geopoly_group_bbox geopoly_json
  geopoly_overlap geopoly_regular geopoly_svg geopoly_within geopoly_xform
`);

/** Functions that ALTER TABLE calls on the text of the schema. SQLite refuses them in statements of its users. */
const ALTERING = words(`
  sqlite_rename_table sqlite_rename_column sqlite_rename_quotefix sqlite_rename_test sqlite_drop_column
  sqlite_add_constraint sqlite_drop_constraint sqlite_find_constraint sqlite_fail
`);

/** @param signature a function as programs name it, such as `substr(2)` */
export function isKnownFunction(signature: string, inMigration: boolean): boolean {
  const name = signature.slice(0, signature.lastIndexOf('('));
  return FUNCTIONS.has(name) || (inMigration && ALTERING.has(name));
}

/** Table-valued functions that read only their arguments or the schema. */
export const TABLE_FUNCTIONS: readonly string[] = [
  'json_each',
  'json_tree',
  'jsonb_each',
  'jsonb_tree',
  ...[
    'table_info',
    'table_xinfo',
    'table_list',
    'index_info',
    'index_xinfo',
    'index_list',
    'foreign_key_list',
  ].map((pragma) => `pragma_${pragma}`),
];

function words(text: string): ReadonlySet<string> {
  return new Set(text.trim().split(/\s+/));
}
