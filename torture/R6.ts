/**
 * R6: replays. What a listener has recorded is sent again: at once, in another order, to another session, and after a
 * restart of the server with the same keys. Nothing is executed twice.
 */
import type { Campaign } from './campaign.ts';
import { bodyOf, ChannelWorld, randomFrom } from './channel-world.ts';

const FULL_COUNT = 10_000;

/** One attempt; how often something was executed that its sender did not send so. */
type Replay = (world: ChannelWorld, run: number, random: (below: number) => number) => number;

/** How many contents the server executed more often than once. */
function twice(world: ChannelWorld): number {
  let count = 0;
  for (const times of world.executed.values()) count += times - 1;
  return count;
}

function contents(run: number, count: number): readonly Uint8Array[] {
  return Array.from({ length: count }, (_, n) => Buffer.from(`POST /pay ${run}.${n}`));
}

/** The manners of replaying, by name; one that needs more than the channel stands beside these. */
const replays: Readonly<Record<string, Replay>> = {
  'the same record again': (world, run, random) => {
    const { connection, session } = world.open();
    const records = contents(run, 4).map((content) => session.seal(content));
    for (const record of records) connection.push(record);
    if (world.executed.size !== 4) return 1;
    connection.push(records[random(4)] ?? new Uint8Array(0));
    return twice(world) + (connection.refused ? 0 : 1);
  },
  'in another order': (world, run, random) => {
    const { connection, session } = world.open();
    const records = contents(run, 4).map((content) => session.seal(content));
    const first = random(3);
    const later = first + 1 + random(3 - first);
    const order = records.toSpliced(first, 1, records[later] ?? new Uint8Array(0));
    for (const record of order) connection.push(record);
    // All before the first that is out of turn, and none from there on.
    return twice(world) + (world.executed.size === first && connection.refused ? 0 : 1);
  },
  'to another session': (world, run, random) => {
    const one = world.open();
    const records = contents(run, 3).map((content) => one.session.seal(content));
    for (const record of records) one.connection.push(record);
    const other = world.open();
    const own = random(2);
    // At the place in the stream where it stood in its own session.
    if (own === 1) other.connection.push(other.session.seal(Buffer.from(`own ${run}`)));
    for (const record of records.slice(own)) other.connection.push(record);
    return twice(world) + (other.connection.refused ? 0 : 1);
  },
  'a whole connection again, after a restart': (world, run) => {
    const { connection, session, first } = world.open();
    const records = contents(run, 3).map((content) => session.seal(content));
    for (const record of records) connection.push(record);
    if (world.executed.size !== 3) return 1;
    world.restart();
    const again = world.connect();
    again.push(first);
    for (const record of records) again.push(record);
    return twice(world) + (again.refused ? 0 : 1);
  },
  'a whole pairing again': (world) => {
    world.paired = 0;
    const connection = world.connect();
    const device = world.newDevice();
    connection.push(device.message);
    const third = device.receive(bodyOf(connection.sent));
    connection.push(third);
    if (world.paired !== 1) return 1;
    // The code even waits still: the third message answers the second of its own handshake and no other.
    const again = world.connect();
    again.push(device.message);
    again.push(third);
    return world.paired - 1;
  },
};

export const campaign: Campaign = async ({ count = FULL_COUNT, seed, report }) => {
  const random = randomFrom(seed);
  const world = new ChannelWorld();
  const manners = Object.entries(replays);
  let failures = 0;
  for (let run = 1; run <= count; run += 1) {
    const [name, replay] = manners[run % manners.length] ?? manners[0] ?? [];
    world.executed.clear();
    const wrong = replay?.(world, run, random) ?? 1;
    if (wrong > 0) {
      failures += 1;
      report(`run ${run}, ${name}: executed twice, or not refused`);
    }
    if (run % 2_000 === 0) report(`${run} replays, ${failures} failures`);
  }
  return { runs: count, failures, ok: failures === 0, manners: manners.map(([name]) => name) };
};
