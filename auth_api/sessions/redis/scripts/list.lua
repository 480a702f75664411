-- KEYS index   returns the id hashes of the live entries
local _, ms = now()
return redis.call('ZRANGEBYSCORE', KEYS[1], '(' .. text(ms), '+inf')
