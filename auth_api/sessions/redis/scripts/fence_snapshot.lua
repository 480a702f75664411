#!lua flags=allow-oom
-- Before a user row changes: no validation may believe the snapshot until the change is in the database.
-- Works without memory to spare, too: sessions can always be ended, and a fence is smaller than a snapshot.
-- KEYS snapshot   ARGV nonce, lifetime in seconds, run
-- returns the run in which the fence stands
--@run
redis.call('SET', KEYS[1], '\0' .. ARGV[1], 'EX', ARGV[2])
return run
