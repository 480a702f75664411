-- Before a user row changes: no validation may believe the snapshot until the change is in the database.
-- KEYS snapshot   ARGV nonce, lifetime in seconds
redis.call('SET', KEYS[1], '\0' .. ARGV[1], 'EX', ARGV[2])
return 1
