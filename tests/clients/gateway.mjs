// What every script needs: the server's address and token from the command line, plain calls to compare with, and checks that say what is wrong.
import assert from 'node:assert/strict';

const [url, token] = process.argv.slice(2);
if (!url || !token) throw new Error('node SCRIPT URL TOKEN');

export const endpoint = `${url}/graphql`;
export const socket = endpoint.replace(/^http/, 'ws');
export const authorization = `Bearer ${token}`;
export const base = url;

const PATIENCE = 20_000;

/** The answer's data of a plain POST; throws on errors. */
export const ask = async (query, variables = {}) => {
  const response = await fetch(endpoint, {
    method: 'POST',
    headers: { 'Content-Type': 'application/json', Authorization: authorization },
    body: JSON.stringify({ query, variables }),
  });
  const answer = await response.json();
  assert.equal(answer.errors, undefined, `POST /graphql answered ${response.status}: ${JSON.stringify(answer.errors)}`);
  return answer.data;
};

/** A new deal's id, for changes that disturb nobody else. */
export const createDeal = async (name) => {
  const { accounts } = await ask('{ accounts(first: 1) { nodes { id } } }');
  const { createOpportunity: created } = await ask(
    'mutation ($input: CreateOpportunityInput!) { createOpportunity(input: $input) { opportunity { id } userErrors { message } } }',
    { input: { name, accountId: accounts.nodes[0].id } },
  );
  assert.deepEqual(created.userErrors, []);
  return created.opportunity.id;
};

export const rename = async (id, name) => {
  const { updateOpportunity: updated } = await ask(
    'mutation ($id: ID!, $name: String!) { updateOpportunity(id: $id, input: { name: $name }) { userErrors { message } } }',
    { id, name },
  );
  assert.deepEqual(updated.userErrors, []);
};

/** The value of a promise, or an error that names what didn't come. */
export const within = async (what, promise, patience = PATIENCE) => {
  let timer;
  const late = new Promise((_, reject) => {
    timer = setTimeout(() => reject(new Error(`no ${what} within ${patience} ms`)), patience);
  });
  return Promise.race([promise, late]).finally(() => clearTimeout(timer));
};

/** Repeats an action until a promise is settled: a subscription says nowhere that it has begun. */
export const until = async (what, promise, action) => {
  let settled = false;
  const settle = () => (settled = true);
  promise.then(settle, settle);
  const repeat = async () => {
    for (let turn = 1; !settled; turn += 1) {
      await action(turn);
      await new Promise((resolve) => setTimeout(resolve, 200));
    }
  };
  const [value] = await within(what, Promise.all([promise, repeat()]));
  return value;
};

/** Runs steps in order; the first that fails is named, and ends the script with status 1. */
export const main = async (steps) => {
  for (const [name, step] of Object.entries(steps)) {
    try {
      await step();
    } catch (error) {
      console.error(`${name}: ${error.stack}`);
      process.exit(1);
    }
  }
  process.exit(0);
};
