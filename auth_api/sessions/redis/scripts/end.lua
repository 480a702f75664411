-- Ends one session by its id hash. An index with no session left goes too.
-- KEYS record, index   ARGV id hash
-- returns how many were ended
redis.call('ZREM', KEYS[2], ARGV[1])
if redis.call('ZCARD', KEYS[2]) == 1 then redis.call('UNLINK', KEYS[2]) end
return redis.call('UNLINK', KEYS[1])
