-- KEYS record, index, snapshot, and the pending sign-in that the session completes, if it completes one
-- ARGV header, body, id hash, limit (0: none), policy, snapshot, snapshot lifetime in seconds, run before
--   the user's row was read, run
-- returns {ok, record, id hashes of the sessions that the limit ended...} | {exists} | {refused} | {clock}
--   | {epoch}: the user's sessions were ended since the snapshot's epoch was read
--   | {consumed}: the pending sign-in is gone; it makes one session, and another finish was first
--@run
local header, body, id_hash = ARGV[1], ARGV[2], ARGV[3]
local found = redis.call('GET', KEYS[1])
if found then
  if found:sub(31) == body then return {'ok', found} end -- the same attempt again, after a lost answer
  return {'exists'}
end
local seconds, ms = now()
local value = header .. stamps(seconds, 0) .. body
local r = unpack_record(value)
if not is_now(r.authenticated, seconds) then return {'clock'} end
if KEYS[4] and redis.call('EXISTS', KEYS[4]) == 0 then return {'consumed'} end
local expires = expiry_ms(r, ms)
local answer = {'ok', value}
if r.bound then
  local snapshot = redis.call('GET', KEYS[3])
  if ended_since(r.epoch, KEYS[2], snapshot) then return {'epoch'} end
  local limit = tonumber(ARGV[4])
  if limit > 0 and epoch_of(KEYS[2]) == r.epoch then
    redis.call('ZREMRANGEBYSCORE', KEYS[2], FIRST_TIME, text(ms))
    local surplus = redis.call('ZCARD', KEYS[2]) - limit -- the member "e" stands for the new session
    if surplus > 0 then
      if ARGV[5] == 'refuse' then return {'refused'} end
      for _, ended in ipairs(redis.call('ZRANGE', KEYS[2], 1, surplus)) do answer[#answer + 1] = ended end
      redis.call('ZREMRANGEBYRANK', KEYS[2], 1, surplus)
    end
  end
  admit(KEYS[2], id_hash, expires, r.epoch, ms)
  -- as a reader's (put_snapshot.lua): the row may have changed since it was read
  local known = epoch_in(snapshot)
  if ARGV[8] == run and (not snapshot or (known and known < r.epoch)) then redis.call('SET', KEYS[3], ARGV[6] .. run, 'EX', ARGV[7]) end
end
if KEYS[4] then redis.call('UNLINK', KEYS[4]) end
redis.call('SET', KEYS[1], value, 'PXAT', whole(expires))
return answer
