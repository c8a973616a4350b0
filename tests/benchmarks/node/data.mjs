// The data by better-sqlite3, which answers at once: prepared statements, many ids by one statement (json_each).

import Database from 'better-sqlite3'

const database = new Database(process.env.BENCH_DATABASE)
const workspace = process.env.BENCH_WORKSPACE
for (const pragma of ['journal_mode = WAL', 'synchronous = FULL', 'cache_size = -65536', 'mmap_size = 1073741824']) database.pragma(pragma)

const COLUMNS = 'id, name, value_cents, stage, probability, close_date, account_id, assigned_to_id, created_at'
const NEWEST = 'ORDER BY created_at DESC, id DESC LIMIT ?'

const stages = 'PROSPECTING QUALIFICATION NEEDS_ANALYSIS PROPOSAL NEGOTIATION CLOSED_WON CLOSED_LOST'.split(' ')
const prepared = new Map()

function statement(text) {
  if (!prepared.has(text)) prepared.set(text, database.prepare(text))
  return prepared.get(text)
}

function shown(row) {
  return {
    id: row.id,
    name: row.name,
    value: row.value_cents === null ? null : row.value_cents / 100,
    stage: stages[row.stage],
    probability: row.probability,
    closeDate: row.close_date,
    accountId: row.account_id,
    assignedToId: row.assigned_to_id,
    createdAt: row.created_at,
  }
}

export function opportunity(id) {
  const row = statement(`SELECT ${COLUMNS} FROM opportunity WHERE workspace_id = ? AND id = ?`).get(workspace, id)
  return row ? shown(row) : null
}

export function opportunities({ first, after, filter }) {
  let where = 'workspace_id = ?'
  const values = [workspace]
  if (filter?.stage?.eq) {
    where += ' AND stage = ?'
    values.push(stages.indexOf(filter.stage.eq))
  }
  const position = after ? JSON.parse(Buffer.from(after, 'base64url')) : []
  const page = after ? `${where} AND (created_at, id) < (?, ?)` : where
  const rows = statement(`SELECT ${COLUMNS} FROM opportunity WHERE ${page} ${NEWEST}`).all(...values, ...position, first + 1)
  const edges = rows.slice(0, first).map((row) => ({ cursor: cursor(row), node: shown(row) }))
  return {
    edges,
    pageInfo: { hasNextPage: rows.length > first, endCursor: edges.at(-1)?.cursor ?? null },
    totalCount: () => statement(`SELECT count(*) FROM opportunity WHERE ${where}`).pluck().get(...values),
  }
}

function cursor(row) {
  return Buffer.from(JSON.stringify([row.created_at, row.id])).toString('base64url')
}

export const accounts = byId('account')
export const users = byId('user')

function byId(table) {
  const text = `SELECT id, name FROM "${table}" WHERE workspace_id = ? AND id IN (SELECT value FROM json_each(?))`
  return (ids) => {
    const found = new Map(statement(text).all(workspace, JSON.stringify([...new Set(ids)])).map((row) => [row.id, row]))
    return ids.map((id) => found.get(id) ?? null)
  }
}

export function contacts(ids) {
  const found = new Map(ids.map((id) => [id, []]))
  const text = `SELECT l.opportunity_id, c.id, c.email FROM opportunity_contact l
    JOIN contact c ON c.workspace_id = l.workspace_id AND c.id = l.contact_id
    WHERE l.workspace_id = ? AND l.opportunity_id IN (SELECT value FROM json_each(?)) ORDER BY l.opportunity_id, l.position`
  for (const row of statement(text).all(workspace, JSON.stringify(ids))) found.get(row.opportunity_id).push(row)
  return ids.map((id) => found.get(id))
}
