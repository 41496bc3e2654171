import { backupManifest, type DatabaseStatus } from '@aico/shared/data';
import { Type } from 'typebox';
import { Instant, listOf, type Says } from '../../core/reply-schemas.ts';
import { JsonValue } from './json-values.ts';

const Tables = listOf(Type.Object({ name: Type.String(), rows: Type.Integer() }));

/** Facts in the engine's own terms. */
const Details = Type.Record(Type.String(), Type.Union([Type.String(), Type.Number()]));
const Capability = Type.Enum(['backup', 'restore', 'rotate-key', 'rollback-guard', 'vacuum', 'check']);

export const StatusReply = Type.Object({
  engine: Type.String(),
  version: Type.String(),
  location: Type.String(),
  bytes: Type.Integer(),
  capabilities: listOf(Capability),
  clear: listOf(Type.Object({ table: Type.String(), columns: listOf(Type.String()) })),
  tables: Tables,
  migrations: listOf(Type.Object({ owner: Type.String(), id: Type.String(), appliedAt: Instant })),
  details: Details,
});
true satisfies Says<typeof StatusReply, DatabaseStatus>;

export const StatsReply = Type.Object({
  state: Type.Enum(['ready', 'read-only', 'unreachable', 'failed']),
  engine: Type.String(),
  bytes: Type.Integer(),
  details: Details,
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
  { description: 'Bytes of the database on the disk.' },
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
