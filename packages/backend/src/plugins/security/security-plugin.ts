import { PROBLEM_MEDIA_TYPE } from '@aico/protocol';
import type { AICOKeyManager, SlotInfo } from '@aico/shared/security';
import { Type } from 'typebox';
import type { GatewayApp } from '../../core/gateway.ts';
import { PluginPriority } from '../../core/plugin/plugin-base.ts';
import { definePlugin, type PluginDefinition } from '../../core/plugin/plugin-definition.ts';
import { ProblemSchema } from '../../core/problem-schema.ts';
import { Instant, listOf, type Says } from '../../core/reply-schemas.ts';
import { requestOf } from '../../core/request-schemas.ts';
import { refusalOf } from './unlock-refusal.ts';

/** The part of the vault that the security plugin uses. */
interface SecurityView {
  readonly state: string;
  unlock(credentials: { readonly password?: string; readonly recoveryCode?: string }): Promise<void>;
  lock(): Promise<void>;
  /** How completely the keys can be wiped on this platform. */
  readonly wiped: string;
}

const Secret = Type.String({ minLength: 1, maxLength: 1_024 });
const Unlock = requestOf({ password: Type.Optional(Secret), recoveryCode: Type.Optional(Secret) });

const State = Type.String({ description: '"unlocked", or what there is in its place.' });
const Slot = Type.Object({
  id: Type.String(),
  kind: Type.Enum(['password', 'key-file', 'keyring', 'credential', 'recovery']),
  createdAt: Instant,
  cost: Type.Optional(
    Type.Object(
      { memoryKiB: Type.Integer(), passes: Type.Integer(), lanes: Type.Integer() },
      { description: 'The Argon2 cost of one password attempt.' },
    ),
  ),
});
true satisfies Says<typeof Slot, SlotInfo>;
const StatusReply = Type.Object({ state: State, slots: listOf(Slot) });
const UnlockReply = Type.Object({ state: State });
const REFUSALS = { 400: ProblemSchema, 401: ProblemSchema, 429: ProblemSchema, 503: ProblemSchema };
const LockReply = Type.Object({
  state: State,
  wiped: Type.String({ description: 'The limits of key wiping on this platform.' }),
});

/** `/api/v1/security`: the state of the home's lock, locking and unlocking. Works without a key. */
export function securityPlugin(view: SecurityView): PluginDefinition {
  return definePlugin({
    name: 'security',
    version: '1.0.0',
    description: 'Locks and unlocks the home',
    dependencies: ['key_manager', 'gateway'],
    priority: PluginPriority.SECURITY,
    capabilities: {
      'security:read': 'See whether the home is locked, and its unlock methods',
      'security:unlock': 'Unlock the home',
      'security:lock': 'Lock the home',
    },
    async start(plugin) {
      const keyManager = plugin.requireService('key_manager');
      await plugin.addRoutes((app) => declareRoutes(app, view, keyManager));
    },
  });
}

function declareRoutes(app: GatewayApp, view: SecurityView, keyManager: AICOKeyManager): void {
  app.get(
    '/status',
    { config: { access: 'security:read' }, schema: { response: { 200: StatusReply } } },
    async () => ({
      state: view.state,
      slots: await keyManager.slots(),
    }),
  );
  app.post(
    '/unlock',
    {
      config: { access: 'security:unlock' },
      schema: { body: Unlock, response: { 200: UnlockReply, ...REFUSALS } },
    },
    async ({ body, id }, reply) => {
      try {
        await view.unlock(body);
        return { state: view.state };
      } catch (error) {
        const refusal = refusalOf(error);
        if (refusal === undefined) throw error;
        const { status, problem, retryAfterSeconds } = refusal;
        if (retryAfterSeconds !== undefined) reply.header('retry-after', String(retryAfterSeconds));
        return reply
          .code(status)
          .type(PROBLEM_MEDIA_TYPE)
          .send({ ...problem, request_id: id });
      }
    },
  );
  app.post(
    '/lock',
    { config: { access: 'security:lock' }, schema: { response: { 200: LockReply } } },
    async () => {
      await view.lock();
      return { state: view.state, wiped: view.wiped };
    },
  );
}
