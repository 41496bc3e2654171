/** Reading archives of log lines without a backend. */
export { isSelected } from '../log-record.ts';
export { ARCHIVE_PURPOSE, readLogArchive } from './log-archive.ts';
