/** How a channel says that the connection broke: what was asked may be asked again on another. */
export const CHANNEL_BREAKS: ReadonlySet<string> = new Set([
  'AICO_CHANNEL_TRUNCATED',
  'AICO_CHANNEL_SILENT',
  'AICO_CHANNEL_CLOSED',
]);
