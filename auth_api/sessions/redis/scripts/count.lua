-- KEYS index   returns how many live entries it has
local _, ms = now()
return redis.call('ZCOUNT', KEYS[1], '(' .. text(ms), '+inf')
