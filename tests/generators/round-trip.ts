// What every generated TypeScript client must be able to do; each program gives its own calls.
import assert from 'node:assert/strict';

export const AMOUNTS = [143.48, 16777217, 9999999999999.99];
export const STAGES: ['proposal', 'negotiation'] = ['proposal', 'negotiation'];
export const AFTER = '2000-01-01';
export const BEFORE = '2099-12-31';

interface Deal { id: string; value: number | null; closeDate: string | null }
interface Calls {
  /** The list of all stages, and that of STAGES between AFTER and BEFORE. */
  all: () => Promise<number>;
  some: () => Promise<{ count: number; results: { stage: string; accountId: string }[] }>;
  create: (accountId: string, value: number) => Promise<Deal>;
  clear: (id: string) => Promise<Deal>;
  remove: (id: string) => Promise<number>;
  /** The status, and the fields at fault, of a creation with an account that isn't there. */
  refused: () => Promise<[number, string[]]>;
}

export const roundTrip = async (calls: Calls) => {
  const page = await calls.some();
  assert.ok(page.count > 0 && page.count < (await calls.all()), `${page.count} deals in two stages`);
  assert.ok(page.results.every(({ stage }) => (STAGES as string[]).includes(stage)));
  const accountId = page.results[0]?.accountId;
  assert.ok(accountId);
  for (const value of AMOUNTS) {
    const made = await calls.create(accountId, value);
    assert.equal(made.value, value);
    assert.equal(made.closeDate, '2027-02-28');
    const cleared = await calls.clear(made.id);
    assert.deepEqual([cleared.value, cleared.closeDate], [value, null]);
    assert.equal(await calls.remove(made.id), 204);
  }
  assert.deepEqual(await calls.refused(), [422, ['accountId']]);
};
