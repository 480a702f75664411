-- Takes the session with that handle out of the index, which ends it.
-- KEYS index   ARGV handle
-- returns its id hash, or nil
local LENGTH = 16 -- of a handle (tokens.py): a shorter text is none
local _, ms = now()
for _, id_hash in ipairs(redis.call('ZRANGEBYSCORE', KEYS[1], '(' .. text(ms), '+inf')) do
  if id_hash:sub(1, LENGTH) == ARGV[1] then
    redis.call('ZREM', KEYS[1], id_hash)
    return id_hash
  end
end
return false
