/** `npm run torture -- R10 [--count N] [--seed N]`: runs one campaign and prints the result as one JSON object. */
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import type { Campaign } from './campaign.ts';

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { count: { type: 'string' }, seed: { type: 'string' } },
});
const id = positionals[0]?.toUpperCase() ?? '';
const file = new URL(`./${id}.ts`, import.meta.url);
const number = (text: string | undefined): number | undefined =>
  text === undefined ? undefined : Number(text);
const count = number(values.count);
const seed = number(values.seed) ?? Math.trunc(performance.timeOrigin);
if (!/^[CR]\d+$/.test(id) || !existsSync(fileURLToPath(file)) || Number.isNaN(count) || Number.isNaN(seed)) {
  process.stderr.write(
    'usage: npm run torture -- R10 [--count N] [--seed N]   (the campaigns that exist are the files torture/R*.ts and torture/C*.ts)\n',
  );
  process.exit(2);
}
const { campaign } = (await import(file.href)) as { campaign: Campaign };
const outcome = await campaign({ count, seed, report: (line) => process.stdout.write(`${line}\n`) });
process.stdout.write(`${JSON.stringify({ id, seed, ...outcome })}\n`);
process.exitCode = outcome.ok ? 0 : 1;
