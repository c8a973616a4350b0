import { isAxiosError } from 'axios';
import { type ApiError, Configuration, OpportunitiesApi } from './generated';
import { AFTER, BEFORE, roundTrip, STAGES } from '../round-trip';

const [basePath = '', accessToken = ''] = process.argv.slice(2);
const api = new OpportunitiesApi(new Configuration({ basePath, accessToken }));

await roundTrip({
  all: async () => (await api.listOpportunities()).data.count,
  some: async () => (await api.listOpportunities(undefined, undefined, undefined, STAGES, undefined, undefined, AFTER, BEFORE)).data,
  create: async (accountId, value) =>
    (await api.createOpportunity({ name: 'Generated', accountId, value, closeDate: '2027-02-28' })).data,
  clear: async (id) => (await api.updateOpportunity(id, { closeDate: null })).data,
  remove: async (id) => (await api.deleteOpportunity(id)).status,
  refused: async () => {
    try {
      return [(await api.createOpportunity({ name: 'Generated', accountId: 'acc_nowhere' })).status, []];
    } catch (error) {
      if (!isAxiosError<ApiError>(error) || !error.response) throw error;
      return [error.response.status, error.response.data.errors?.map(({ field }) => field) ?? []];
    }
  },
});
