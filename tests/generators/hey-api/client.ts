import { createOpportunity, deleteOpportunity, listOpportunities, updateOpportunity } from './generated';
import { client } from './generated/client.gen';
import { AFTER, BEFORE, roundTrip, STAGES } from '../round-trip';

const [url = '', token = ''] = process.argv.slice(2);
client.setConfig({ baseUrl: url, auth: () => token });
const there = <T>(data: T | undefined): T => {
  if (data === undefined) throw new Error('no answer');
  return data;
};

await roundTrip({
  all: async () => there((await listOpportunities()).data).count,
  some: async () => there((await listOpportunities({ query: { stage: STAGES, closeDateAfter: AFTER, closeDateBefore: BEFORE } })).data),
  create: async (accountId, value) =>
    there((await createOpportunity({ body: { name: 'Generated', accountId, value, closeDate: '2027-02-28' } })).data),
  clear: async (id) => there((await updateOpportunity({ path: { id }, body: { closeDate: null } })).data),
  remove: async (id) => (await deleteOpportunity({ path: { id } })).response?.status ?? 0,
  refused: async () => {
    const { error, response } = await createOpportunity({ body: { name: 'Generated', accountId: 'acc_nowhere' } });
    return [response?.status ?? 0, error?.errors?.map(({ field }) => field) ?? []];
  },
});
