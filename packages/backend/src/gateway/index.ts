export { type GatewayConfig, gatewayConfig } from './config.ts';
export {
  CapabilityMissingError,
  ListenError,
  MountNameError,
  MountTakenError,
  PortTakenError,
  RequestInvalidError,
} from './errors.ts';
export { HttpGateway, type HttpGatewayOptions } from './http-gateway.ts';
export { Idempotency, type IdempotencyOptions } from './idempotency.ts';
export { OPENAPI_PAGE, PAGE_POLICY } from './openapi/page.ts';
export type { ReadinessProbe } from './probes.ts';
