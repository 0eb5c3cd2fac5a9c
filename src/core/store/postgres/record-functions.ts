/**
 * Writing records, one function for each call: a row and its index change together, in one round trip.
 */
export const RECORD_FUNCTIONS = `
  -- Tests bring a clock of their own.
  CREATE FUNCTION now_ms(p_now bigint) RETURNS bigint LANGUAGE sql AS $$
    SELECT coalesce(p_now, floor(extract(epoch FROM clock_timestamp()) * 1000)::bigint)
  $$;

  -- A server that was frozen, or a lock that was waited for, must not carry out what the caller has given up on.
  -- Called once all locks are held; the error undoes everything.
  CREATE FUNCTION in_time(p_deadline bigint) RETURNS boolean LANGUAGE plpgsql AS $$
  BEGIN
    IF now_ms(NULL) > p_deadline THEN
      RAISE EXCEPTION 'The command came too late.' USING ERRCODE = 'LATE0';
    END IF;
    RETURN true;
  END $$;

  CREATE FUNCTION add_index(p_tbl text, p_id text, p_names text[], p_values text[]) RETURNS void LANGUAGE plpgsql AS $$
  BEGIN
    DELETE FROM record_index WHERE tbl = p_tbl AND id = p_id;
    INSERT INTO record_index (tbl, id, name, value)
      SELECT p_tbl, p_id, name, value FROM unnest(p_names, p_values) AS field(name, value);
  END $$;

  CREATE FUNCTION create_record(
    p_deadline bigint, p_now bigint, p_tbl text, p_id text, p_value text, p_expires bigint,
    p_names text[], p_values text[]
  ) RETURNS boolean LANGUAGE plpgsql AS $$
  BEGIN
    INSERT INTO records AS r (tbl, id, version, value, expires_at) VALUES (p_tbl, p_id, 1, p_value, p_expires)
      ON CONFLICT (tbl, id) DO UPDATE SET version = 1, value = excluded.value, expires_at = excluded.expires_at
      WHERE r.expires_at <= now_ms(p_now);
    IF NOT FOUND THEN RETURN false; END IF;
    PERFORM add_index(p_tbl, p_id, p_names, p_values);
    RETURN in_time(p_deadline);
  END $$;

  -- Without names the index stays as it is.
  CREATE FUNCTION update_record(
    p_deadline bigint, p_now bigint, p_tbl text, p_id text, p_version integer, p_value text, p_expires bigint,
    p_names text[], p_values text[]
  ) RETURNS boolean LANGUAGE plpgsql AS $$
  BEGIN
    UPDATE records SET version = version + 1, value = p_value, expires_at = coalesce(p_expires, expires_at)
      WHERE tbl = p_tbl AND id = p_id AND version = p_version
      AND (expires_at IS NULL OR expires_at > now_ms(p_now));
    IF NOT FOUND THEN RETURN false; END IF;
    IF p_names IS NOT NULL THEN PERFORM add_index(p_tbl, p_id, p_names, p_values); END IF;
    RETURN in_time(p_deadline);
  END $$;
`;
