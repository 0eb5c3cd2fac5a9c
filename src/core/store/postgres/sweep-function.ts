/**
 * The sweep, as a function of the database: ends holds of dead processes and forgets what has expired.
 */
export const SWEEP_FUNCTION = `
  CREATE FUNCTION sweep(
    p_now bigint, p_mark_lifetime bigint, p_batch integer, OUT ended integer, OUT more boolean
  ) LANGUAGE plpgsql SET enable_seqscan = off AS $$
  DECLARE
    v_now bigint := now_ms(p_now);
    v_due text[] := ARRAY(SELECT id FROM active_holds WHERE until <= v_now ORDER BY until LIMIT p_batch);
    v_hold record;
    v_sum bigint[];
    v_rows bigint;
  BEGIN
    ended := 0;
    PERFORM lock_subjects(ARRAY(SELECT body::json ->> 0 FROM active_holds WHERE id = ANY(v_due)));
    -- Others may have ended or renewed some of them meanwhile.
    FOR v_hold IN
      DELETE FROM active_holds WHERE id = ANY(v_due) AND until <= v_now
        RETURNING id, tokens, known, body::json ->> 0 AS subject, body::json -> 1 AS claims, body::json -> 2 AS usage
    LOOP
      ended := ended + 1;
      v_sum := coalesce(v_hold.known, '{0,0,0,0,0,0}');
      INSERT INTO counters AS c (subject, key, used, held, expires_at)
        SELECT v_hold.subject, claim ->> 0,
            sum(CASE claim ->> 1 WHEN '1' THEN v_sum[2] + v_sum[3] ELSE v_sum[1] END), 0, max((claim ->> 2)::bigint)
          FROM json_array_elements(v_hold.claims) AS claim GROUP BY claim ->> 0
        ON CONFLICT (subject, key) DO UPDATE SET used = c.used + excluded.used, held = greatest(0, c.held - (
          SELECT sum(CASE claim ->> 1 WHEN '1' THEN v_hold.tokens ELSE greatest(1, -(claim ->> 1)::integer) END)
            FROM json_array_elements(v_hold.claims) AS claim WHERE claim ->> 0 = c.key));
      IF v_hold.usage IS NOT NULL AND v_sum <> '{0,0,0,0,0,0}' THEN
        PERFORM add_usage(ARRAY[v_hold.usage ->> 2], ARRAY[v_hold.subject], ARRAY[v_hold.usage ->> 0],
          ARRAY[v_hold.usage ->> 1], v_sum);
      END IF;
      INSERT INTO ended_holds (id, state, until, known)
        VALUES (v_hold.id, 'expired', v_now + p_mark_lifetime, v_hold.known);
    END LOOP;
    more := cardinality(v_due) = p_batch;

    DELETE FROM ended_holds WHERE ctid = ANY(ARRAY(SELECT ctid FROM ended_holds
      WHERE until <= v_now LIMIT p_batch FOR UPDATE SKIP LOCKED));
    GET DIAGNOSTICS v_rows = ROW_COUNT;
    more := more OR v_rows = p_batch;
    DELETE FROM records WHERE ctid = ANY(ARRAY(SELECT ctid FROM records
      WHERE expires_at <= v_now LIMIT p_batch FOR UPDATE SKIP LOCKED));
    GET DIAGNOSTICS v_rows = ROW_COUNT;
    more := more OR v_rows = p_batch;
    -- What is held must be given back before its counter may go.
    DELETE FROM counters WHERE ctid = ANY(ARRAY(SELECT ctid FROM counters
      WHERE expires_at <= v_now AND held = 0 LIMIT p_batch FOR UPDATE SKIP LOCKED));
    GET DIAGNOSTICS v_rows = ROW_COUNT;
    more := more OR v_rows = p_batch;
  END $$;
`;
