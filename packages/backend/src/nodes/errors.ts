import { defineError } from '@aico/protocol';

/** A home with an embedded database has one node. */
export class NodesNotSharedError extends defineError({
  code: 'AICO_NODE_DATABASE_EMBEDDED',
  status: 409,
  hint: 'Set core.database.url to a PostgreSQL database that all machines reach, and restart this backend: docs/many-machines.md.',
  make: () => ({
    message: 'this home has an embedded database, which a second node cannot share',
  }),
}) {}

/** The home has no such node, or it was removed. */
export class NodeUnknownError extends defineError({
  code: 'AICO_NODE_UNKNOWN',
  status: 404,
  hint: '`aico node list` shows the nodes with their ids.',
  make: (id: string) => ({ message: `this home has no node ${id}` }),
}) {}

/** A node of this key is a member already, or was removed. A key does not join twice. */
export class NodeTakenError extends defineError({
  code: 'AICO_NODE_TAKEN',
  status: 409,
  hint: 'Join from an empty home, which makes a key of its own.',
  make: (id: string) => ({ message: `the node ${id} has joined this home before` }),
}) {}

/** Without its last node, no backend could open the home. */
export class LastNodeError extends defineError({
  code: 'AICO_NODE_LAST',
  status: 409,
  hint: 'Let another node join first: aico node invite.',
  make: (id: string) => ({ message: `${id} is the last node of this home` }),
}) {}

/** The invitation was used already, or its time is over. */
export class InvitationSpentError extends defineError({
  code: 'AICO_NODE_INVITATION_SPENT',
  status: 403,
  hint: 'Make a new one on a node of the home: aico node invite.',
  make: () => ({ message: 'this invitation was used already, or is no longer valid' }),
}) {}

/** This node was removed from the home, so its backend does not run. */
export class NodeRemovedError extends defineError({
  code: 'AICO_NODE_REMOVED',
  exit: 'instance',
  hint: 'Let it join again from an empty home: `aico node invite` on a node of the home, `aico node join` here.',
  make: (id: string, removedAt: string) => ({
    message: `this node (${id}) was removed from the home at ${removedAt}`,
  }),
}) {}

/** The shared database belongs to a home with another root key. */
export class OtherHomeError extends defineError({
  code: 'AICO_NODE_OTHER_HOME',
  exit: 'database',
  hint: 'Point core.database.url to the database of this home, or join the other home from an empty one: aico node join.',
  make: () => ({ message: 'the database belongs to another home' }),
}) {}
