export { NotIdleError, PluginLeakError, PluginUndeclaredError } from './errors.ts';
export { Faults } from './faults.ts';
export { assertNoLeaks, type LeakCheckOptions } from './leaks.ts';
export { type LocalReply, type LocalRequestOptions, localRequest } from './local-request.ts';
export { standIn } from './stand-in.ts';
export { strictIssues } from './strict-schema.ts';
export { createTestBackend, type TestBackend, type TestBackendOptions } from './test-backend.ts';
export { TestClock } from './test-clock.ts';
export { createTestHome, type TestHome } from './test-home.ts';
