import type { Connection } from '../driver.ts';
import type { BoundParameters } from '../statements/bound-parameters.ts';
import type { SqlValue } from '../types.ts';

/** One instruction of the program that SQLite compiles a statement to. */
export interface Instruction {
  readonly addr: number;
  readonly opcode: string;
  readonly p1: number;
  readonly p2: number;
  readonly p3: number;
  readonly p4: SqlValue;
  readonly p5: number;
}

/** Compiles a statement and returns its program. @throws the driver's error when the statement or its parameters are invalid */
export function explain(
  connection: Connection,
  sql: string,
  params: BoundParameters = [],
): readonly Instruction[] {
  return connection.prepare<unknown[], Instruction>(`EXPLAIN ${sql}`).all(params);
}
