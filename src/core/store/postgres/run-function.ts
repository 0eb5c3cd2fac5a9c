/**
 * Reservations, extensions and settlements of many requests as one function of the database: one query, one
 * transaction. The arithmetic is that of `quota.ts`.
 *
 * What a run needs is read once and written once, however many of its steps ask for it. Rows are looked up one by one
 * through their index, or by their place: a plan for all of them at once can come to read whole tables. Plans are made
 * while tables are small, and kept: hence without scans of them. Holds stay in their place, as whoever changes one has
 * locked its subject.
 */
export const RUN_FUNCTION = `
  -- A counter is p_keys[n] of p_owners[n]. A claim is on the counter p_counters[n], and p_tokens[n] says what it counts: 1
  -- is tokens, 0 one request, -n so many requests. A
  -- step has the claims from p_first[n] to p_last[n], the row p_rows[n] of the history, six of p_figures, and a hold
  -- that no other step has. Comes to what answers.ts reads.
  CREATE FUNCTION carry_out(
    p_now bigint, p_mark_lifetime bigint, p_subjects text[], p_owners text[], p_keys text[], p_expires bigint[],
    p_payers text[], p_gateways text[], p_models text[], p_hours text[],
    p_counters integer[], p_tokens integer[], p_max bigint[],
    p_kinds text[], p_ids text[], p_bodies text[], p_first integer[], p_last integer[], p_rows integer[],
    p_least bigint[], p_most bigint[], p_share float8[], p_lease bigint[], p_figures bigint[], p_deadlines bigint[]
  ) RETURNS bigint[] LANGUAGE plpgsql SET enable_seqscan = off AS $$
  DECLARE
    v_clock bigint;
    v_now bigint;
    -- The counters as they stand, and the sums for the history.
    v_used bigint[];
    v_held bigint[];
    v_changed boolean[] := array_fill(false, ARRAY[cardinality(p_keys)]);
    v_usage bigint[] := array_fill(0::bigint, ARRAY[6 * cardinality(p_hours)]);
    -- Holds that were made, by the number of the step, and that have ended.
    v_new integer[];
    v_until bigint[];
    v_granted bigint[];
    v_gone tid[];
    v_ended text[];
    -- Begins with the number of steps that came too late.
    v_answer bigint[] := '{0}';
    v_end integer := 1;
    v_step record;
    c integer;
    v_free bigint;
    v_room bigint;
    v_refused integer;
    v_grant bigint;
    v_due bigint[];
    v_sum bigint;
  BEGIN
    PERFORM lock_subjects(p_subjects);
    -- A server that was frozen, or a lock that was waited for, must not carry out what the caller has given up on.
    v_clock := now_ms(NULL);
    v_now := now_ms(p_now);
    -- A new snapshot, and with it all that was written before the locks were ours.
    SELECT array_agg(coalesce(c.used, 0) ORDER BY at), array_agg(coalesce(c.held, 0) ORDER BY at)
      INTO v_used, v_held FROM unnest(p_owners, p_keys) WITH ORDINALITY AS mine(owner, key, at)
      LEFT JOIN LATERAL (
        SELECT used, held FROM counters WHERE subject = owner AND key = mine.key LIMIT 1
      ) c ON true;

    FOR v_step IN
      SELECT s.*, a.ctid AS place, a.until, a.tokens, e.state, e.known
        FROM unnest(p_kinds, p_ids, p_first, p_last, p_deadlines, p_least, p_most, p_share, p_lease, p_rows)
          WITH ORDINALITY AS s(kind, id, first, last, deadline, least, most, share, lease, row, at)
        LEFT JOIN LATERAL (SELECT ctid, until, tokens FROM active_holds WHERE id = s.id LIMIT 1) a ON true
        LEFT JOIN LATERAL (SELECT state, known FROM ended_holds WHERE id = s.id LIMIT 1) e ON true
        ORDER BY s.at
    LOOP
      IF v_step.deadline < v_clock THEN
        v_answer[1] := v_answer[1] + 1;
        v_answer[v_end + 1] := 2;
        v_end := v_end + 1;
        CONTINUE;
      END IF;

      IF v_step.kind = 'settle' THEN
        v_answer[v_end + 1] := CASE WHEN v_step.state = 'settled' THEN 0 ELSE 1 END;
        v_end := v_end + 1;
        CONTINUE WHEN v_step.state = 'settled';
        -- The sweep has charged what was known.
        v_due := p_figures[6 * v_step.at - 5 : 6 * v_step.at];
        IF v_step.known IS NOT NULL THEN
          FOR i IN 1..6 LOOP v_due[i] := v_due[i] - v_step.known[i]; END LOOP;
        END IF;
        FOR i IN v_step.first..v_step.last LOOP
          c := p_counters[i];
          v_sum := CASE p_tokens[i] WHEN 1 THEN v_due[2] + v_due[3] ELSE v_due[1] END;
          CONTINUE WHEN v_sum = 0 AND v_step.place IS NULL;
          -- A correction may take back from a counter that was forgotten meanwhile: never below zero.
          v_used[c] := greatest(0, v_used[c] + v_sum);
          IF v_step.place IS NOT NULL THEN
            v_held[c] := greatest(0, v_held[c] - CASE p_tokens[i] WHEN 1 THEN v_step.tokens ELSE greatest(1, -p_tokens[i]) END);
          END IF;
          v_changed[c] := true;
        END LOOP;
        IF v_step.row IS NOT NULL THEN
          FOR i IN 1..6 LOOP
            c := 6 * v_step.row - 6 + i;
            v_usage[c] := v_usage[c] + v_due[i];
          END LOOP;
        END IF;
        IF v_step.place IS NOT NULL THEN v_gone := v_gone || v_step.place; END IF;
        v_ended := v_ended || v_step.id;
        CONTINUE;
      END IF;

      IF v_step.kind = 'extend' AND coalesce(v_step.until <= v_now, true) THEN
        v_answer[v_end + 1] := 0;
        v_end := v_end + 1;
        CONTINUE;
      END IF;
      -- What is left, and the first claim without room.
      v_room := NULL;
      v_refused := NULL;
      FOR i IN v_step.first..v_step.last LOOP
        CONTINUE WHEN p_max[i] IS NULL;
        c := p_counters[i];
        v_free := p_max[i] - v_used[c] - v_held[c];
        IF p_tokens[i] = 1 THEN v_room := least(v_room, v_free); END IF;
        IF v_refused IS NULL AND v_free < (CASE p_tokens[i] WHEN 1 THEN v_step.least ELSE greatest(1, -p_tokens[i]) END) THEN
          v_refused := i - v_step.first;
        END IF;
      END LOOP;
      v_grant := grant_of(v_room, v_step.least, v_step.most, v_step.share);

      IF v_step.kind = 'extend' THEN
        UPDATE active_holds SET until = v_now + v_step.lease, tokens = tokens + coalesce(v_grant, 0),
          known = p_figures[6 * v_step.at - 5 : 6 * v_step.at] WHERE ctid = v_step.place;
        v_answer[v_end + 1] := 1;
        v_answer[v_end + 2] := v_room;
        v_answer[v_end + 3] := v_grant;
        v_end := v_end + 3;
        CONTINUE WHEN v_grant IS NULL;
        FOR i IN v_step.first..v_step.last LOOP
          CONTINUE WHEN p_tokens[i] <> 1;
          c := p_counters[i];
          v_held[c] := v_held[c] + v_grant;
          v_changed[c] := true;
        END LOOP;
        CONTINUE;
      END IF;

      -- Reserved before, or ended.
      IF v_step.place IS NOT NULL OR v_step.state IS NOT NULL THEN v_refused := -1; END IF;
      v_answer[v_end + 1] := CASE WHEN v_refused IS NULL THEN 1 ELSE 0 END;
      v_answer[v_end + 2] := v_refused;
      v_answer[v_end + 3] := v_room;
      v_answer[v_end + 4] := v_grant;
      v_end := v_end + 4;
      FOR i IN v_step.first..v_step.last LOOP
        c := p_counters[i];
        v_answer[v_end + 1] := v_used[c];
        v_answer[v_end + 2] := v_held[c];
        v_end := v_end + 2;
        CONTINUE WHEN v_refused IS NOT NULL;
        v_held[c] := v_held[c] + CASE p_tokens[i] WHEN 1 THEN v_grant ELSE greatest(1, -p_tokens[i]) END;
        v_changed[c] := true;
      END LOOP;
      CONTINUE WHEN v_refused IS NOT NULL;
      v_new := v_new || v_step.at::integer;
      v_until := v_until || v_now + v_step.lease;
      v_granted := v_granted || v_grant;
    END LOOP;

    IF v_new IS NOT NULL THEN
      INSERT INTO active_holds (id, until, tokens, body)
        SELECT p_ids[at], until, tokens, p_bodies[at] FROM unnest(v_new, v_until, v_granted) AS n(at, until, tokens);
    END IF;
    IF v_gone IS NOT NULL THEN
      DELETE FROM active_holds WHERE ctid = ANY(v_gone);
      GET DIAGNOSTICS c = ROW_COUNT;
      IF c <> cardinality(v_gone) THEN
        RAISE EXCEPTION 'Somebody has changed a hold without its lock.' USING ERRCODE = '40001';
      END IF;
    END IF;
    IF v_ended IS NOT NULL THEN
      INSERT INTO ended_holds (id, state, until) SELECT id, 'settled', v_now + p_mark_lifetime FROM unnest(v_ended) AS id
        ON CONFLICT (id) DO UPDATE SET state = excluded.state, until = excluded.until, known = NULL;
      PERFORM add_usage(p_hours, p_payers, p_gateways, p_models, v_usage);
    END IF;
    INSERT INTO counters AS c (subject, key, used, held, expires_at)
      SELECT owner, key, v_used[at], v_held[at], expires
      FROM unnest(p_owners, p_keys, p_expires) WITH ORDINALITY AS mine(owner, key, expires, at)
      WHERE v_changed[at]
      ON CONFLICT (subject, key) DO UPDATE SET used = excluded.used, held = excluded.held,
        expires_at = greatest(c.expires_at, excluded.expires_at);
    RETURN v_answer;
  END $$;
`;
