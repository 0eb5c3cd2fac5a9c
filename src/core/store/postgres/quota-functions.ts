/**
 * Quotas as functions of the database: each call is one round trip and one transaction. The arithmetic is that of
 * `quota.ts`.
 *
 * Whoever changes counters first locks their subject. It is one lock for each call, so that no two calls can wait for
 * each other; the sweep, which takes many, takes them in one order. Counters are looked up one by one: a subject may
 * have very many, and a plan for all keys at once can come to read them all.
 */
export const QUOTA_FUNCTIONS = `
  CREATE FUNCTION lock_subject(p_subject text) RETURNS void LANGUAGE plpgsql AS $$
  BEGIN
    -- Two numbers: the first, which spells "pral", keeps clear of other users of the database.
    PERFORM pg_advisory_xact_lock(1886544236, hashtext(p_subject));
  END $$;

  -- The counters of the claims, what is left for tokens, and the first claim without room for one more request.
  CREATE FUNCTION measure(
    p_subject text, p_keys text[], p_counts text[], p_max bigint[], p_least bigint,
    OUT used bigint[], OUT held bigint[], OUT room bigint, OUT refused integer
  ) LANGUAGE plpgsql AS $$
  DECLARE
    v_used bigint;
    v_held bigint;
    v_free bigint;
  BEGIN
    FOR i IN 1..cardinality(p_keys) LOOP
      SELECT c.used, c.held INTO v_used, v_held FROM counters c WHERE subject = p_subject AND key = p_keys[i];
      used[i] := coalesce(v_used, 0);
      held[i] := coalesce(v_held, 0);
      CONTINUE WHEN p_max[i] IS NULL;
      v_free := p_max[i] - used[i] - held[i];
      IF p_counts[i] = 'tokens' THEN room := least(room, v_free); END IF;
      IF refused IS NULL AND v_free < (CASE p_counts[i] WHEN 'tokens' THEN p_least ELSE 1 END) THEN
        refused := i - 1;
      END IF;
    END LOOP;
  END $$;

  CREATE FUNCTION grant_of(p_room bigint, p_least bigint, p_most bigint, p_share float8) RETURNS bigint
  LANGUAGE sql IMMUTABLE AS $$
    SELECT CASE WHEN p_room IS NULL THEN p_most WHEN p_room < p_least THEN NULL
      ELSE p_least + least(p_most - p_least, floor((p_room - p_least) / p_share)::bigint) END
  $$;

  CREATE FUNCTION add_to_counters(
    p_hold holds, p_used_requests bigint, p_used_tokens bigint, p_held_requests bigint, p_held_tokens bigint
  ) RETURNS void LANGUAGE plpgsql AS $$
  DECLARE
    v_used bigint;
    v_held bigint;
  BEGIN
    FOR i IN 1..cardinality(p_hold.keys) LOOP
      v_used := CASE p_hold.counts[i] WHEN 'requests' THEN p_used_requests ELSE p_used_tokens END;
      v_held := CASE p_hold.counts[i] WHEN 'requests' THEN p_held_requests ELSE p_held_tokens END;
      CONTINUE WHEN v_used = 0 AND v_held = 0;
      -- A correction may take back from a counter that was forgotten meanwhile: never below zero.
      INSERT INTO counters AS c (subject, key, used, held, expires_at)
        VALUES (p_hold.subject, p_hold.keys[i], greatest(0, v_used), greatest(0, v_held), p_hold.expires[i])
        ON CONFLICT (subject, key) DO UPDATE SET used = greatest(0, c.used + v_used),
          held = greatest(0, c.held + v_held), expires_at = greatest(c.expires_at, excluded.expires_at);
    END LOOP;
  END $$;

  -- Uses the sum and writes it into the history; gives back one request and p_held tokens, where they are held.
  CREATE FUNCTION charge(p_hold holds, p_sum bigint[], p_held bigint) RETURNS void LANGUAGE plpgsql AS $$
  BEGIN
    PERFORM add_to_counters(p_hold, p_sum[1], p_sum[2] + p_sum[3],
      CASE WHEN p_held IS NULL THEN 0 ELSE -1 END, -coalesce(p_held, 0));
    IF p_hold.hour IS NULL OR p_sum = '{0,0,0,0,0,0}' THEN RETURN; END IF;
    INSERT INTO usage AS u (hour, subject, gateway, model, requests, prompt_tokens, completion_tokens,
        errors, aborted, latency_ms)
      -- An index takes no longer texts; no model's name is that long.
      VALUES (p_hold.hour, p_hold.subject, p_hold.gateway, left(p_hold.model, 400),
        p_sum[1], p_sum[2], p_sum[3], p_sum[4], p_sum[5], p_sum[6])
      ON CONFLICT (hour, subject, gateway, model) DO UPDATE SET requests = u.requests + excluded.requests,
        prompt_tokens = u.prompt_tokens + excluded.prompt_tokens,
        completion_tokens = u.completion_tokens + excluded.completion_tokens,
        errors = u.errors + excluded.errors, aborted = u.aborted + excluded.aborted,
        latency_ms = u.latency_ms + excluded.latency_ms;
  END $$;

  CREATE FUNCTION reserve(
    p_deadline bigint, p_now bigint, p_id text, p_subject text, p_keys text[], p_counts text[], p_expires bigint[],
    p_gateway text, p_model text, p_hour text, p_max bigint[], p_least bigint, p_most bigint, p_share float8,
    p_lease bigint,
    OUT used float8[], OUT held float8[], OUT room float8, OUT refused integer, OUT granted float8
  ) LANGUAGE plpgsql AS $$
  DECLARE
    v_hold holds;
  BEGIN
    PERFORM lock_subject(p_subject);
    PERFORM in_time(p_deadline);
    SELECT m.used, m.held, m.room, m.refused INTO used, held, room, refused
      FROM measure(p_subject, p_keys, p_counts, p_max, p_least) m;
    IF EXISTS (SELECT FROM holds WHERE id = p_id) THEN refused := -1; END IF;
    IF refused IS NOT NULL THEN RETURN; END IF;
    granted := grant_of(room::bigint, p_least, p_most, p_share);
    v_hold := ROW(p_id, p_subject, 'active', now_ms(p_now) + p_lease, granted, NULL, p_keys, p_counts, p_expires,
      p_gateway, p_model, p_hour);
    INSERT INTO holds VALUES (v_hold.*);
    PERFORM add_to_counters(v_hold, 0, 0, 1, granted::bigint);
  END $$;

  CREATE FUNCTION extend(
    p_deadline bigint, p_now bigint, p_id text, p_subject text, p_keys text[], p_counts text[], p_max bigint[],
    p_least bigint, p_most bigint, p_share float8, p_lease bigint, p_known bigint[],
    OUT alive boolean, OUT room float8, OUT granted float8
  ) LANGUAGE plpgsql AS $$
  DECLARE
    v_now bigint;
    v_hold holds;
  BEGIN
    PERFORM lock_subject(p_subject);
    SELECT * INTO v_hold FROM holds WHERE id = p_id FOR UPDATE;
    PERFORM in_time(p_deadline);
    v_now := now_ms(p_now);
    alive := coalesce(v_hold.state = 'active' AND v_hold.until > v_now, false);
    IF NOT alive THEN RETURN; END IF;
    SELECT m.room INTO room FROM measure(p_subject, p_keys, p_counts, p_max, p_least) m;
    granted := grant_of(room::bigint, p_least, p_most, p_share);
    UPDATE holds SET until = v_now + p_lease, known = p_known, tokens = tokens + coalesce(granted, 0)::bigint
      WHERE id = p_id;
    PERFORM add_to_counters(v_hold, 0, 0, 0, coalesce(granted, 0)::bigint);
  END $$;

  CREATE FUNCTION settle(
    p_now bigint, p_id text, p_subject text, p_keys text[], p_counts text[], p_expires bigint[],
    p_gateway text, p_model text, p_hour text, p_total bigint[], p_mark_lifetime bigint
  ) RETURNS boolean LANGUAGE plpgsql AS $$
  DECLARE
    v_hold holds;
    v_due bigint[] := p_total;
    v_until bigint;
  BEGIN
    PERFORM lock_subject(p_subject);
    SELECT * INTO v_hold FROM holds WHERE id = p_id FOR UPDATE;
    IF v_hold.state = 'settled' THEN RETURN false; END IF;
    IF v_hold.state = 'expired' AND v_hold.known IS NOT NULL THEN
      FOR i IN 1..cardinality(v_due) LOOP v_due[i] := v_due[i] - v_hold.known[i]; END LOOP;
    END IF;
    PERFORM charge(
      ROW(p_id, p_subject, 'settled', 0, 0, NULL, p_keys, p_counts, p_expires, p_gateway, p_model, p_hour)::holds,
      v_due, CASE WHEN v_hold.state = 'active' THEN v_hold.tokens END);
    v_until := now_ms(p_now) + p_mark_lifetime;
    INSERT INTO holds (id, subject, state, until, tokens) VALUES (p_id, p_subject, 'settled', v_until, 0)
      ON CONFLICT (id) DO UPDATE SET state = 'settled', until = v_until, known = NULL, keys = NULL, counts = NULL,
        expires = NULL, gateway = NULL, model = NULL, hour = NULL;
    RETURN true;
  END $$;

  CREATE FUNCTION sweep(
    p_now bigint, p_mark_lifetime bigint, p_batch integer, OUT ended integer, OUT more boolean
  ) LANGUAGE plpgsql AS $$
  DECLARE
    v_now bigint := now_ms(p_now);
    v_due record;
    v_hold holds;
    v_rows bigint := 0;
  BEGIN
    ended := 0;
    more := false;
    FOR v_due IN
      SELECT id, subject FROM (
        SELECT id, subject FROM holds WHERE state = 'active' AND until <= v_now ORDER BY until LIMIT p_batch
      ) due ORDER BY hashtext(subject)
    LOOP
      v_rows := v_rows + 1;
      PERFORM lock_subject(v_due.subject);
      -- Only a renewal may have it locked, and then it is alive.
      SELECT * INTO v_hold FROM holds WHERE id = v_due.id AND state = 'active' AND until <= v_now
        FOR UPDATE SKIP LOCKED;
      CONTINUE WHEN NOT FOUND;
      PERFORM charge(v_hold, coalesce(v_hold.known, '{0,0,0,0,0,0}'), v_hold.tokens);
      UPDATE holds SET state = 'expired', until = v_now + p_mark_lifetime, keys = NULL, counts = NULL,
        expires = NULL, gateway = NULL, model = NULL, hour = NULL WHERE id = v_hold.id;
      ended := ended + 1;
    END LOOP;
    more := v_rows = p_batch;

    DELETE FROM holds WHERE ctid = ANY(ARRAY(SELECT ctid FROM holds
      WHERE state IN ('expired', 'settled') AND until <= v_now LIMIT p_batch FOR UPDATE SKIP LOCKED));
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
