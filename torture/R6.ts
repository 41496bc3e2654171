/**
 * R6: replays. Recorded bytes are sent again: immediately, in another order, to another session, and after a restart of the server
 * with the same keys. Nothing is executed twice. The first part replays single records, the second whole requests to a backend.
 */
import { createTestHome } from '@aico/backend/testing';
import type { Campaign } from './campaign.ts';
import { randomFrom } from './channel-world.ts';
import { replayRecords } from './fixtures/record-replays.ts';
import { replayRequests } from './fixtures/request-replays.ts';

const FULL_COUNT = 10_000;

export const campaign: Campaign = async ({ count = FULL_COUNT, seed, report }) => {
  const random = randomFrom(seed);
  const ofRecords = replayRecords({ count, random, report });
  const home = await createTestHome();
  try {
    const ofRequests = await replayRequests(home.folder, { count, random, report });
    const failures = ofRecords + ofRequests.failures;
    return { runs: 2 * count, failures, ok: failures === 0, executed: ofRequests.executed };
  } finally {
    await home.remove();
  }
};
