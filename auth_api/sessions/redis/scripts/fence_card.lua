-- Before a user row changes: no validation may believe the card until the change is in the database.
-- KEYS card   ARGV nonce, lifetime in seconds
redis.call('SET', KEYS[1], '\0' .. ARGV[1], 'EX', ARGV[2])
return 1
