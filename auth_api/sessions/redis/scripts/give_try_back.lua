-- Returns a try of a pending sign-in whose code nobody could judge.
-- KEYS pending   returns 1 if it is still there
local value = redis.call('GET', KEYS[1])
if not value then return 0 end
redis.call('SET', KEYS[1], string.char(math.min(value:byte(1) + 1, 255)) .. value:sub(2), 'KEEPTTL')
return 1
