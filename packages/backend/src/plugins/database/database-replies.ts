import { backupManifest, type DatabaseStatus } from '@aico/shared/data';
import { Type } from 'typebox';
import { Instant, listOf, type Says } from '../../core/reply-schemas.ts';
import { JsonValue } from './json-values.ts';

const Tables = listOf(Type.Object({ name: Type.String(), rows: Type.Integer() }));

export const StatusReply = Type.Object({
  file: Type.String(),
  cipher: Type.String(),
  sqliteVersion: Type.String(),
  journalMode: Type.String(),
  synchronous: Type.String(),
  fileBytes: Type.Integer(),
  walBytes: Type.Integer(),
  tables: Tables,
  migrations: listOf(Type.Object({ owner: Type.String(), id: Type.String(), appliedAt: Instant })),
});
true satisfies Says<typeof StatusReply, DatabaseStatus>;

const Count = Type.Union([Type.Integer(), Type.Null()]);
export const StatsReply = Type.Object({
  state: Type.Enum(['ready', 'read-only', 'failed']),
  fileBytes: Type.Integer(),
  walBytes: Type.Integer(),
  pageBytes: Count,
  pages: Count,
  freePages: Count,
  commits: Count,
  tables: Tables,
  overdue: listOf(
    Type.Object(
      { owner: Type.Union([Type.String(), Type.Null()]), statement: Type.String(), since: Instant },
      { description: 'A statement that does not end; without an owner it is the backend itself.' },
    ),
  ),
});

export const BackupReply = Type.Object({ folder: Type.String(), manifest: backupManifest });

export const VacuumReply = Type.Object(
  { before: Type.Integer(), after: Type.Integer() },
  { description: 'Bytes of the file.' },
);

export const CheckReply = Type.Object({
  ok: Type.Boolean(),
  problems: listOf(Type.String()),
  brokenReferences: Type.Integer(),
});

export const QueryReply = Type.Object({
  columns: listOf(Type.String()),
  rows: listOf(listOf(JsonValue)),
  truncated: Type.Boolean({
    description: 'Whether there are more rows than were asked for, or than fit in 16 MiB.',
  }),
});
