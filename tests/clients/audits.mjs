// The audits of the graphql-http package: their outcomes as a JSON list on standard output.
import { serverAudits } from 'graphql-http';
import { authorization, endpoint } from './gateway.mjs';

const fetchFn = (address, options = {}) =>
  fetch(address, { ...options, headers: { ...options.headers, Authorization: authorization } });

const outcomes = [];
for (const audit of serverAudits({ url: endpoint, fetchFn })) {
  const { status, reason } = await audit.fn();
  outcomes.push({ id: audit.id, name: audit.name, status, reason });
}
console.log(JSON.stringify(outcomes));
