export { CapabilityMissingError } from './errors.ts';
export { HttpGateway } from './http-gateway.ts';
export { Idempotency } from './idempotency.ts';
export { OPENAPI_PAGE, PAGE_POLICY } from './openapi/page.ts';
