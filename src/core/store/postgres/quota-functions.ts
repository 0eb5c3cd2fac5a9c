/**
 * What the functions for quotas share, and the renewal of leases.
 *
 * Whoever changes counters or holds first locks their subjects, all of them in one order: so no two can wait for each
 * other. Six figures stand for a charge, in the order of its fields.
 */
export const QUOTA_FUNCTIONS = `
  CREATE FUNCTION lock_subjects(p_subjects text[]) RETURNS void LANGUAGE plpgsql AS $$
  BEGIN
    -- Two numbers: the first, which spells "pral", keeps clear of other users of the database.
    PERFORM pg_advisory_xact_lock(1886544236, hash)
      FROM (SELECT DISTINCT hashtext(subject) AS hash FROM unnest(p_subjects) AS subject ORDER BY hash) AS one;
  END $$;

  -- The rule of a grant, as in quota.ts.
  CREATE FUNCTION grant_of(p_room bigint, p_least bigint, p_most bigint, p_share float8) RETURNS bigint
  LANGUAGE sql IMMUTABLE AS $$
    SELECT CASE WHEN p_room IS NULL THEN p_most WHEN p_room < p_least THEN NULL
      ELSE p_least + least(p_most - p_least, floor((p_room - p_least) / p_share)::bigint) END
  $$;

  -- Six sums for each row; those that are all zero make none.
  CREATE FUNCTION add_usage(
    p_hours text[], p_subjects text[], p_gateways text[], p_models text[], p_sums bigint[]
  ) RETURNS void LANGUAGE plpgsql AS $$
  BEGIN
    INSERT INTO usage AS u (hour, subject, gateway, model, requests, prompt_tokens, completion_tokens,
        errors, aborted, latency_ms)
      SELECT hour, subject, gateway, model, p_sums[6 * at - 5], p_sums[6 * at - 4], p_sums[6 * at - 3],
        p_sums[6 * at - 2], p_sums[6 * at - 1], p_sums[6 * at]
      FROM unnest(p_hours, p_subjects, p_gateways, p_models)
        WITH ORDINALITY AS r(hour, subject, gateway, model, at)
      WHERE p_sums[6 * at - 5 : 6 * at] <> '{0,0,0,0,0,0}'
      ON CONFLICT (hour, subject, gateway, model) DO UPDATE SET requests = u.requests + excluded.requests,
        prompt_tokens = u.prompt_tokens + excluded.prompt_tokens,
        completion_tokens = u.completion_tokens + excluded.completion_tokens,
        errors = u.errors + excluded.errors, aborted = u.aborted + excluded.aborted,
        latency_ms = u.latency_ms + excluded.latency_ms;
  END $$;

  CREATE FUNCTION renew(
    p_deadline bigint, p_now bigint, p_lease bigint, p_subjects text[], p_ids text[], p_known text[]
  ) RETURNS SETOF text LANGUAGE plpgsql SET enable_seqscan = off AS $$
  BEGIN
    PERFORM lock_subjects(p_subjects);
    PERFORM in_time(p_deadline);
    RETURN QUERY UPDATE active_holds h SET until = now_ms(p_now) + p_lease, known = mine.known::bigint[]
      FROM unnest(p_ids, p_known) AS mine(id, known)
      WHERE h.id = mine.id AND h.until > now_ms(p_now) RETURNING h.id;
  END $$;
`;
