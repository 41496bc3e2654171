import type { Connection } from '../driver.ts';
import { explain, type Instruction } from '../sql/explain.ts';
import type { BoundParameters } from '../statements/bound-parameters.ts';

/** The properties of a compiled statement that decide how the engine runs it. */
export interface ProgramFacts {
  /** It sets `last_insert_rowid()` for each inserted row; an insert into a table WITHOUT ROWID does not. */
  readonly insertsRowId: boolean;
  /** It may update a row instead of inserting one (`ON CONFLICT DO UPDATE`). */
  readonly upserts: boolean;
  /**
   * Its outcome depends on its transaction: deferred foreign keys are checked at the commit, and `OR ROLLBACK` undoes the
   * statements before it.
   */
  readonly needsOwnTransaction: boolean;
  /** It can fail with part of its rows stored (`OR FAIL`, `RAISE(FAIL)`). */
  readonly storesInPart: boolean;
  /** It has no loop, so it returns at most one row. */
  readonly singleRow: boolean;
  /** It has no loop within a loop, so that its time grows with the size of the tables and no faster. */
  readonly isLinear: boolean;
}

/** `p5` of the Insert instruction: whether it sets the last row id, and whether it belongs to an update. */
const OPFLAG_LASTROWID = 0x20;
const OPFLAG_ISUPDATE = 0x04;
/** Conflict actions as `p2` of Halt and HaltIfNull and `p5` of VUpdate give them. */
const OE_ROLLBACK = 1;
const OE_FAIL = 3;

/** Instructions that never jump backwards. A program that consists of these runs each instruction at most once. */
const STRAIGHT = new Set(
  (
    'Init Transaction Halt HaltIfNull OpenRead Close Noop Explain ReleaseReg Variable Integer Int64 Real String String8 ' +
    'Blob Null Copy SCopy Move SeekRowid NotExists NotFound Found IdxGT IdxGE IdxLT IdxLE SeekGE SeekGT SeekLE SeekLT ' +
    'DeferredSeek IdxRowid Rowid Column RealAffinity Affinity Cast MustBeInt IsNull NotNull If IfNot IfNullRow Ne Eq Lt ' +
    'Le Gt Ge Add Subtract Multiply Divide Remainder Concat And Or Not BitAnd BitOr BitNot ShiftLeft ShiftRight Function ' +
    'PureFunc CollSeq MakeRecord ResultRow NullRow Once ReadCookie'
  ).split(' '),
);

/**
 * Further instructions whose time is bounded by the size of what they read. A subroutine may be among them where it stands
 * in line; one that is called from elsewhere (Gosub) may not.
 */
const LINEAR = new Set(
  (
    'Rewind Last Next Prev SorterOpen SorterInsert SorterSort SorterNext SorterData OpenPseudo OpenEphemeral IdxInsert ' +
    'Sequence AggStep AggFinal Count DecrJumpZero IfPos IfNotZero BeginSubrtn Return'
  ).split(' '),
);

/** The properties assumed for a statement whose program cannot be read. */
const UNKNOWN: ProgramFacts = {
  insertsRowId: true,
  upserts: true,
  needsOwnTransaction: true,
  storesInPart: true,
  singleRow: false,
  isLinear: false,
};

/**
 * Derives the properties of a statement from the program that SQLite compiles on this connection, including the programs of its
 * triggers and foreign keys. So no SQL is parsed here.
 *
 * @throws the driver's error for arguments that do not fit
 */
export function programFacts(connection: Connection, sql: string, args: BoundParameters): ProgramFacts {
  let program: readonly Instruction[];
  try {
    program = explain(connection, sql, args);
  } catch (error) {
    // SQLite cannot explain an EXPLAIN statement and some pragmas.
    if (error instanceof Error && 'code' in error && error.code === 'SQLITE_ERROR') return UNKNOWN;
    throw error;
  }
  const subprogram = program.findIndex(({ addr }, index) => index > 0 && addr === 0);
  const main = subprogram === -1 ? program : program.slice(0, subprogram);
  return {
    // SQLite restores the last row id after a trigger, so only the main program counts.
    insertsRowId: main.some(
      ({ opcode, p1, p5 }) =>
        (opcode === 'Insert' && (p5 & OPFLAG_LASTROWID) !== 0) || (opcode === 'VUpdate' && p1 !== 0),
    ),
    upserts: main.some(({ opcode, p5 }) => opcode === 'Insert' && (p5 & OPFLAG_ISUPDATE) !== 0),
    needsOwnTransaction: program.some(
      (each) => (each.opcode === 'FkCounter' && each.p1 !== 0) || conflictAction(each) === OE_ROLLBACK,
    ),
    storesInPart: program.some((each) => conflictAction(each) === OE_FAIL),
    singleRow: main.every(({ opcode, p2 }) => STRAIGHT.has(opcode) || (opcode === 'Goto' && p2 === 1)),
    isLinear: isLinear(program),
  };
}

function isLinear(program: readonly Instruction[]): boolean {
  let end = -1;
  for (const { addr, opcode, p2 } of program) {
    if (opcode === 'Goto' ? addr > p2 && p2 !== 1 : !STRAIGHT.has(opcode) && !LINEAR.has(opcode))
      return false;
    if (!/^(?:Sorter)?Next$|^Prev$/.test(opcode)) continue;
    // A loop that begins before another has ended contains it.
    if (p2 <= end) return false;
    end = addr;
  }
  return true;
}

function conflictAction({ opcode, p1, p2, p5 }: Instruction): number | undefined {
  if (opcode === 'HaltIfNull' || (opcode === 'Halt' && p1 !== 0)) return p2;
  return opcode === 'VUpdate' ? p5 : undefined;
}
