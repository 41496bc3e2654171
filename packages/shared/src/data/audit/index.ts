export { AUDIT_ACTIONS, type AuditAction, type SecurityEvent } from './audit-actions.ts';
export {
  type AuditEvent,
  type AuditOutcome,
  LOCAL_USER,
  type NotedEvent,
  note,
} from './audit-event.ts';
export { AuditRecorder, type AuditRecorderOptions } from './audit-recorder.ts';
export {
  AUDIT_MIGRATIONS,
  AUDIT_OWNER,
  type AuditFault,
  type AuditQuery,
  type AuditRecord,
  AuditTrail,
  type AuditTrailOptions,
  type AuditVerdict,
} from './audit-trail.ts';
export { PendingEvents } from './pending-events.ts';
