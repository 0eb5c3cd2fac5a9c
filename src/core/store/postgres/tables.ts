/**
 * The tables. Text is compared by code units, as everywhere else; times are milliseconds since 1970.
 */
export const TABLES = `
  CREATE TABLE records (
    tbl text COLLATE "C" NOT NULL, id text COLLATE "C" NOT NULL, version integer NOT NULL, value text NOT NULL,
    expires_at bigint,
    PRIMARY KEY (tbl, id)
  );
  CREATE INDEX records_expiry ON records (expires_at) WHERE expires_at IS NOT NULL;

  CREATE TABLE record_index (
    tbl text COLLATE "C" NOT NULL, name text COLLATE "C" NOT NULL, value text COLLATE "C" NOT NULL,
    id text COLLATE "C" NOT NULL,
    PRIMARY KEY (tbl, name, value, id),
    FOREIGN KEY (tbl, id) REFERENCES records (tbl, id) ON DELETE CASCADE
  );
  CREATE INDEX record_index_id ON record_index (tbl, id);

  -- Room on every page lets PostgreSQL change a row in place, without touching the indexes.
  CREATE TABLE counters (
    subject text COLLATE "C" NOT NULL, key text COLLATE "C" NOT NULL, used bigint NOT NULL, held bigint NOT NULL,
    expires_at bigint NOT NULL,
    PRIMARY KEY (subject, key)
  ) WITH (fillfactor = 50);
  CREATE INDEX counters_expiry ON counters (expires_at);

  -- until: the end of an active hold's lease; when the mark of an ended one is forgotten.
  -- known: what it has used, in the order of a charge's fields; the rest is the hold, for the sweep.
  CREATE TABLE holds (
    id text COLLATE "C" NOT NULL PRIMARY KEY, subject text COLLATE "C" NOT NULL,
    state text NOT NULL CHECK (state IN ('active', 'expired', 'settled')), until bigint NOT NULL,
    tokens bigint NOT NULL, known bigint[], keys text[], counts text[], expires bigint[],
    gateway text, model text, hour text
  );
  CREATE INDEX holds_until ON holds (state, until);

  CREATE TABLE usage (
    hour text COLLATE "C" NOT NULL, subject text COLLATE "C" NOT NULL, gateway text COLLATE "C" NOT NULL,
    model text COLLATE "C" NOT NULL, day text COLLATE "C" NOT NULL GENERATED ALWAYS AS (left(hour, 10)) STORED,
    requests bigint NOT NULL, prompt_tokens bigint NOT NULL, completion_tokens bigint NOT NULL,
    errors bigint NOT NULL, aborted bigint NOT NULL, latency_ms bigint NOT NULL,
    PRIMARY KEY (hour, subject, gateway, model)
  ) WITH (fillfactor = 70);
  CREATE INDEX usage_day ON usage (day, subject, gateway, model);
  CREATE INDEX usage_subject ON usage (subject, hour);
`;

/**
 * Holds are few and change all the time; of those that have ended there are a day's, which do not. Apart, an ended
 * hold is a row in a table and its indexes less than when it changed its state.
 */
export const HOLDS_APART = `
  -- Whatever is under way there ends first.
  LOCK TABLE holds;

  CREATE TABLE active_holds (
    id text COLLATE "C" NOT NULL PRIMARY KEY,
    -- The end of its lease.
    until bigint NOT NULL, tokens bigint NOT NULL,
    -- For the sweep: what it has used, in the order of a charge's fields, and the hold as in hold-text.ts.
    known bigint[], body text NOT NULL
  );
  CREATE INDEX active_holds_until ON active_holds (until);
  INSERT INTO active_holds SELECT id, until, tokens, known, json_build_array(
    subject,
    (SELECT coalesce(json_agg(json_build_array(key, CASE counts WHEN 'tokens' THEN 1 ELSE 0 END, expires)), '[]')
      FROM unnest(keys, counts, expires) AS claim(key, counts, expires)),
    CASE WHEN hour IS NOT NULL THEN json_build_array(gateway, model, hour) END
  ) FROM holds WHERE state = 'active';

  CREATE TABLE ended_holds (
    id text COLLATE "C" NOT NULL PRIMARY KEY, state text NOT NULL CHECK (state IN ('expired', 'settled')),
    -- When it is forgotten.
    until bigint NOT NULL, known bigint[]
  );
  CREATE INDEX ended_holds_until ON ended_holds (until);
  INSERT INTO ended_holds SELECT id, state, until, known FROM holds WHERE state <> 'active';

  -- Those of version 1, so that a gateway of that version that is still there fails instead of counting otherwise.
  DO $$
  DECLARE
    v_function regprocedure;
  BEGIN
    FOR v_function IN SELECT oid FROM pg_proc WHERE pronamespace = current_schema()::regnamespace AND proname =
      ANY('{lock_subject,measure,grant_of,add_to_counters,charge,reserve,extend,settle,sweep}')
    LOOP
      EXECUTE 'DROP FUNCTION ' || v_function;
    END LOOP;
  END $$;
  DROP TABLE holds;
`;
