import { reasonOf } from '@aico/protocol';
import { AuditRecorder, LOCAL_USER, type SecurityEvent } from '@aico/shared/data/audit';
import type { CommandContext } from '../context.ts';

/** Records what a command did to the home. A running backend takes it over within a minute, another one when it starts. */
export async function recordEvent({ paths, output }: CommandContext, event: SecurityEvent): Promise<void> {
  const audit = new AuditRecorder({
    pendingFile: paths.auditPendingFile,
    actor: LOCAL_USER,
    onFailure: (error) => output.note(`This is not in the audit trail: ${reasonOf(error)}`),
  });
  await audit.record(event);
}
