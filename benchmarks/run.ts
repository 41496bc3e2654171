/** `npm run bench -- P13`: measures one figure of docs/targets.md and prints the result as one JSON object. */
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import type { Benchmark } from './benchmark.ts';

const id = process.argv[2]?.toUpperCase() ?? '';
const file = new URL(`./${id}.ts`, import.meta.url);
if (!/^P\d+$/.test(id) || !existsSync(fileURLToPath(file))) {
  process.stderr.write(
    'usage: npm run bench -- P13   (the figures that exist are the files benchmarks/P*.ts)\n',
  );
  process.exit(2);
}
const { benchmark } = (await import(file.href)) as { benchmark: Benchmark };
const outcome = await benchmark(process.argv.slice(3));
process.stdout.write(`${JSON.stringify({ id, ...outcome })}\n`);
process.exitCode = outcome.ok ? 0 : 1;
