/**
 * Functions that use only their arguments or the rows they are applied to. An owner may call these and no others of the server: a
 * function may run SQL that is in a string, change settings, read files or take locks that outlive the transaction. A function that
 * a newer server adds is allowed only after a review of its effects.
 */
export const ALLOWED_FUNCTIONS: ReadonlySet<string> = new Set(
  `
  abs ceil ceiling floor round trunc sign sqrt cbrt exp ln log log10 power pow mod div gcd lcm pi degrees radians factorial
  sin cos tan cot asin acos atan atan2 sinh cosh tanh asinh acosh atanh random width_bucket scale min_scale trim_scale
  upper lower initcap length char_length character_length octet_length bit_length bit_count substr substring position strpos left
  right lpad rpad ltrim rtrim btrim trim replace translate reverse repeat split_part concat concat_ws format ascii chr to_hex
  quote_literal quote_ident quote_nullable md5 sha224 sha256 sha384 sha512 encode decode convert_from convert_to convert
  starts_with string_to_array string_to_table array_to_string regexp_replace regexp_match regexp_matches regexp_split_to_array
  regexp_split_to_table regexp_count regexp_instr regexp_like regexp_substr normalize is_normalized overlay unistr get_byte
  set_byte get_bit set_bit like notlike similar_escape similar_to_escape like_escape
  string_agg array_agg count sum avg min max bool_and bool_or every bit_and bit_or bit_xor json_agg jsonb_agg json_object_agg
  jsonb_object_agg stddev stddev_pop stddev_samp variance var_pop var_samp corr covar_pop covar_samp regr_count regr_slope
  regr_intercept regr_r2 mode percentile_cont percentile_disc rank dense_rank percent_rank cume_dist row_number ntile lag lead
  first_value last_value nth_value
  now clock_timestamp statement_timestamp transaction_timestamp timeofday date_part date_trunc date_bin extract age make_date
  make_time make_timestamp make_timestamptz make_interval to_char to_date to_timestamp to_number justify_days justify_hours
  justify_interval isfinite timezone overlaps date time timetz timestamp timestamptz interval
  json_build_object jsonb_build_object json_build_array jsonb_build_array json_object jsonb_object to_json to_jsonb row_to_json
  array_to_json json_extract_path jsonb_extract_path json_extract_path_text jsonb_extract_path_text json_array_elements
  jsonb_array_elements json_array_elements_text jsonb_array_elements_text json_each jsonb_each json_each_text jsonb_each_text
  json_array_length jsonb_array_length json_object_keys jsonb_object_keys json_typeof jsonb_typeof jsonb_set jsonb_set_lax
  jsonb_insert jsonb_pretty jsonb_path_exists jsonb_path_match jsonb_path_query jsonb_path_query_array jsonb_path_query_first
  jsonb_exists jsonb_exists_any jsonb_exists_all jsonb_contains jsonb_delete jsonb_delete_path json_strip_nulls jsonb_strip_nulls
  json_populate_record jsonb_populate_record json_populate_recordset jsonb_populate_recordset json_to_record jsonb_to_record
  json_to_recordset jsonb_to_recordset
  array_length array_append array_cat array_prepend array_position array_positions array_remove array_replace array_ndims
  array_dims array_lower array_upper array_fill cardinality trim_array unnest generate_series generate_subscripts
  to_tsvector to_tsquery plainto_tsquery phraseto_tsquery websearch_to_tsquery ts_rank ts_rank_cd ts_headline setweight strip
  numnode querytree tsvector_to_array array_to_tsvector ts_delete ts_filter tsquery_phrase
  gen_random_uuid pg_typeof nextval currval lastval version
  int2 int4 int8 float4 float8 numeric text bool varchar bpchar char bit varbit bytea name oid uuid json jsonb xml
  host family area center diameter height width radius slope npoints abbrev broadcast netmask network hostmask masklen
  box point path circle polygon line lseg
`
    .trim()
    .split(/\s+/),
);
