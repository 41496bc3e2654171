export type { LogQuery, StoredLogRecord } from './log-query.ts';
export { LogStore, type LogStoreOptions } from './log-store.ts';
export { LogStorePlugin, type LogStorePluginOptions } from './log-store-plugin.ts';
