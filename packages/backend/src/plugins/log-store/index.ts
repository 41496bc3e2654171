export type { LogQuery, StoredLogRecord } from './log-query.ts';
export { LogStore, type LogStoreOptions, type LogStoreStats } from './log-store.ts';
export { LogStorePlugin, type LogStorePluginOptions } from './log-store-plugin.ts';
