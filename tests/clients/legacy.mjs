// What JavaScript's HTTP clients send to REST as they are: arrays, methods, bodies and headers that nobody writes by hand.
import assert from 'node:assert/strict';
import axios from 'axios';
import { request } from 'undici';
import { authorization, base, createDeal } from './gateway.mjs';

const path = '/api/opportunities/';
const headers = { Authorization: authorization };
const client = axios.create({ baseURL: base, headers, validateStatus: () => true });
const wanted = (await client.get(`${path}?stage=proposal,negotiation&limit=100`)).data;
assert.ok(wanted.count > 0 && wanted.results.every((deal) => ['proposal', 'negotiation'].includes(deal.stage)));

// axios: `stage[]=`, `stage[0]=`, `stage=&stage=`, by its option `indexes`.
for (const indexes of [false, true, null]) {
  const answer = await client.get(path, {
    params: { stage: ['proposal', 'negotiation'], limit: 100 },
    paramsSerializer: { indexes },
  });
  assert.equal(answer.status, 200, JSON.stringify(answer.data));
  assert.equal(answer.data.count, wanted.count);
  assert.deepEqual(answer.data.results, wanted.results);
}

// A name that is almost right, and what it is told.
const near = await client.get(path, { params: { account_id: 'acc_1' } });
assert.equal(near.status, 400);
assert.match(near.data.errors[0].message, /did you mean accountId/);
const ignored = await client.get(path, { params: { sort: 'name', assignedTo: '' } });
assert.equal(ignored.headers['x-ignored-parameters'], 'sort, assignedTo');

// `next` is followed as it is, to the end and back.
const seen = [];
let last;
for (let url = `${base}${path}?limit=37`; url; ) {
  last = url;
  const { data } = await client.get(url);
  seen.push(...data.results.map((deal) => deal.id));
  url = data.next;
}
const { data: all } = await client.get(`${path}?limit=1`);
assert.equal(new Set(seen).size, seen.length);
assert.equal(seen.length, all.count);
const back = [];
for (let url = last; url; ) {
  const { data } = await client.get(url);
  back.unshift(...data.results.map((deal) => deal.id));
  url = data.previous;
}
assert.deepEqual(back, seen);

// A limit beyond the most that is served.
assert.match((await client.get(path, { params: { limit: 1000 } })).data.next, /[?&]limit=100&/);

// QUERY, by axios and by undici.
const body = { stage: ['proposal', 'negotiation'], limit: 100 };
const asked = await client.request({ method: 'QUERY', url: path, data: body });
assert.equal(asked.status, 200, JSON.stringify(asked.data));
assert.deepEqual(asked.data.results, wanted.results);
const undici = await request(`${base}${path}`, {
  method: 'QUERY',
  headers: { ...headers, 'content-type': 'application/json' },
  body: JSON.stringify({ ...body, limit: 1 }),
});
assert.equal(undici.statusCode, 200);
assert.equal(undici.headers['accept-query'], 'application/json');
const page = await undici.body.json();
assert.equal((await client.get(page.next)).data.results[0].id, wanted.results[1].id);
const graph = await request(`${base}/graphql`, {
  method: 'QUERY',
  headers: { ...headers, 'content-type': 'application/json' },
  body: JSON.stringify({ query: '{ opportunities(first: 1) { totalCount } }' }),
});
assert.equal((await graph.body.json()).data.opportunities.totalCount, all.count);

// POST in place of PATCH and DELETE; null for what a generated client has not set; a byte-order mark; tags as proxies leave them.
const id = await createDeal('Legacy');
const deal = `${path}${id}/`;
const set = await client.post(deal, { source: 'partner', description: 'D' }, { headers: { 'X-HTTP-Method-Override': 'PATCH' } });
assert.equal(set.status, 200, JSON.stringify(set.data));
const nulls = await client.patch(deal, { value: 5, source: null, description: null }, { headers: { Prefer: 'null=ignore' } });
assert.deepEqual([nulls.data.value, nulls.data.source, nulls.data.description], [5, 'partner', 'D']);
assert.equal(nulls.headers['preference-applied'], 'null=ignore');
const marked = await request(`${base}${deal}`, {
  method: 'PATCH',
  headers: { ...headers, 'content-type': 'application/json', 'if-match': `W/${nulls.headers.etag.slice(0, -1)}-gzip"` },
  body: '\ufeff{"value": 6}',
});
assert.equal(marked.statusCode, 200, await marked.body.text());
const fresh = await client.get(deal, { headers: { 'If-None-Match': `${marked.headers.etag.slice(0, -1)};gzip"` } });
assert.equal(fresh.status, 304);
const gone = await client.post(deal, null, { headers: { 'X-HTTP-Method-Override': 'delete' } });
assert.equal(gone.status, 204);
assert.equal((await client.get(deal)).status, 404);
