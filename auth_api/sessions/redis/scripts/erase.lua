-- KEYS index   ends every session in it; returns their id hashes
local found = redis.call('ZRANGEBYSCORE', KEYS[1], FIRST_TIME, '+inf')
redis.call('UNLINK', KEYS[1])
return found
