-- What the gateway sets for its sessions, given to its role: behind PgBouncer a session's own settings don't arrive.
-- As GATEWAY_STATEMENT_TIMEOUT = 3 has it; lock_timeout is 0.9 of it, the idle time within a transaction 0.8.
ALTER ROLE gateway SET statement_timeout = '3000ms';
ALTER ROLE gateway SET lock_timeout = '2700ms';
ALTER ROLE gateway SET idle_in_transaction_session_timeout = '2400ms';
ALTER ROLE gateway SET jit = off;
ALTER ROLE gateway SET timezone = 'UTC';
ALTER ROLE gateway SET datestyle = 'ISO';
