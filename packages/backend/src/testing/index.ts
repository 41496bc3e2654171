export { type LocalReply, type LocalRequestOptions, localRequest } from './local-request.ts';
export { standIn } from './stand-in.ts';
export { strictIssues } from './strict-schema.ts';
export { createTestBackend, type TestBackend, type TestBackendOptions } from './test-backend.ts';
export { createTestHome, type TestHome } from './test-home.ts';
