// Mercurius on Fastify with its JIT and its loaders, which batch by relation, as its documentation shows them.

import { readFileSync } from 'node:fs'

import Fastify from 'fastify'
import mercurius from 'mercurius'

import * as data from './data.mjs'

const app = Fastify()

app.register(mercurius, {
  schema: readFileSync(new URL('schema.graphql', import.meta.url), 'utf8'),
  resolvers: {
    Query: {
      opportunity: (_, { id }) => data.opportunity(id),
      opportunities: (_, page) => data.opportunities(page),
    },
  },
  loaders: {
    Opportunity: {
      account: async (queries) => data.accounts(queries.map(({ obj }) => obj.accountId)),
      assignedTo: async (queries) => data.users(queries.map(({ obj }) => obj.assignedToId)),
      contacts: async (queries) => data.contacts(queries.map(({ obj }) => obj.id)),
    },
  },
  jit: 1,
})

await app.listen({ port: Number(process.env.BENCH_PORT), host: '127.0.0.1' })
