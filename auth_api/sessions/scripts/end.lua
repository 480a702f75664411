-- Ends one session, by its token or by its handle.
-- KEYS record, index   ARGV id hash or ''
-- returns how many were ended
redis.call('ZREM', KEYS[2], ARGV[1])
return redis.call('UNLINK', KEYS[1])
