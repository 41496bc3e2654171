import type { Problem, ProblemIssue } from '@aico/protocol';
import { type Static, Type } from 'typebox';

/** The schema of a {@link ProblemIssue}. */
const ProblemIssueSchema = Type.Object({ path: Type.String(), message: Type.String() });

/** The schema of a {@link Problem}. The type is declared separately, so that reading problems needs no schema library. */
export const ProblemSchema = Type.Object({
  type: Type.String({ default: 'about:blank' }),
  title: Type.String(),
  status: Type.Integer({ minimum: 100, maximum: 599 }),
  detail: Type.Optional(Type.String()),
  instance: Type.Optional(Type.String()),
  code: Type.Optional(Type.String()),
  hint: Type.Optional(Type.String()),
  errors: Type.Optional(Type.Array(ProblemIssueSchema)),
  request_id: Type.Optional(Type.String()),
});

/** Compiles only if schema and type agree. */
type Same<A, B> = [A, B] extends [B, A] ? true : never;
true satisfies Same<Static<typeof ProblemSchema>, Problem>;
true satisfies Same<Static<typeof ProblemIssueSchema>, ProblemIssue>;
