import { createOpportunity, deleteOpportunity, listOpportunities, updateOpportunity } from './generated/client';
import { AFTER, BEFORE, roundTrip, STAGES } from '../round-trip';

// Its functions call `fetch` with addresses without a host.
const [url = '', token = ''] = process.argv.slice(2);
const call = globalThis.fetch;
globalThis.fetch = (path, options) =>
  call(url + path, { ...options, headers: { ...(options?.headers as Record<string, string>), Authorization: `Bearer ${token}` } });

await roundTrip({
  all: async () => {
    const { status, data } = await listOpportunities();
    if (status !== 200) throw new Error(`${status}`);
    return data.count;
  },
  some: async () => {
    const { status, data } = await listOpportunities({ stage: STAGES, closeDateAfter: AFTER, closeDateBefore: BEFORE });
    if (status !== 200) throw new Error(`${status}: ${JSON.stringify(data)}`);
    return data;
  },
  create: async (accountId, value) => {
    const { status, data } = await createOpportunity({ name: 'Generated', accountId, value, closeDate: '2027-02-28' });
    if (status !== 201) throw new Error(`${status}: ${JSON.stringify(data)}`);
    return data;
  },
  clear: async (id) => {
    const { status, data } = await updateOpportunity(id, { closeDate: null });
    if (status !== 200) throw new Error(`${status}: ${JSON.stringify(data)}`);
    return data;
  },
  remove: async (id) => (await deleteOpportunity(id)).status,
  refused: async () => {
    const { status, data } = await createOpportunity({ name: 'Generated', accountId: 'acc_nowhere' });
    return [status, status === 422 ? (data.errors?.map(({ field }) => field) ?? []) : []];
  },
});
