-- Ends every session of the index but one, in one step.
-- KEYS record, index, snapshot   ARGV id hash of the session that stays, run
-- returns {ok, id hash...} of the live ones that were ended, or {none} | {newer}
--@run
local value, snapshot = unpack(redis.call('MGET', KEYS[1], KEYS[3]))
local seconds, ms = now()
if not value then return {'none'} end
local r = unpack_record(value)
if r.format > FORMAT then return {'newer'} end
if not r.bound or end_reason(r, seconds, KEYS[2], ARGV[1], snapshot, run) then return {'none'} end
local answer = {'ok'}
for _, id_hash in ipairs(redis.call('ZRANGEBYSCORE', KEYS[2], '(' .. text(ms), '+inf')) do
  if id_hash ~= ARGV[1] then answer[#answer + 1] = id_hash end
end
redis.call('UNLINK', KEYS[2])
admit(KEYS[2], ARGV[1], math.min((r.seen + r.idle) * 1000, r.ends * 1000), r.epoch, ms)
return answer
