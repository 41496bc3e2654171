/**
 * Loaded into every process of `npm test`. Ends the process of a test file that takes too long: the runner limits the time of
 * each test, and waits endlessly for a file that leaves a backend, a socket or a timer open.
 */
const { TEST_FILE_BOUND_MS = '1200000' } = process.env;
const [, file = ''] = process.argv;

// The commands and processes that tests start load this as well.
if (file.endsWith('.test.ts')) {
  const boundMs = Number(TEST_FILE_BOUND_MS);
  setTimeout(() => {
    const open = [...new Set(process.getActiveResourcesInfo())].join(', ');
    process.stderr.write(
      `${file} did not end within ${boundMs / 1_000} s and was ended: a test hangs, or left something open (${open})\n`,
    );
    process.exit(1);
  }, boundMs).unref();
}
