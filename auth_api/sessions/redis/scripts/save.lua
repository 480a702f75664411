-- Writes a session that is there; never brings one back.
-- KEYS record, index, snapshot, new record (the same as record unless the token is renewed)
-- ARGV id hash, revision read, header, body, new id hash, counts as use (1 or 0), run
-- returns {ok, record} | {conflict, record} | {none} | {clock} | {newer} | {<reason>}
--@run
local value, snapshot = unpack(redis.call('MGET', KEYS[1], KEYS[3]))
local renewed = KEYS[4] ~= KEYS[1]
local function same_attempt(v) return v and v:sub(31) == ARGV[4] end -- sent again, after a lost answer
if not value then
  local new = renewed and redis.call('GET', KEYS[4])
  if same_attempt(new) then return {'ok', new} end
  return {'none'}
end
if same_attempt(value) then return {'ok', value} end
local seconds, ms = now()
local r = unpack_record(value)
if r.format > FORMAT then return {'newer'} end
local reason = end_reason(r, seconds, KEYS[2], ARGV[1], snapshot, run)
if reason then return {reason} end
-- Times of format 1 are not sealed: do not seal one that lies in the future.
if r.format == 1 and r.authenticated > seconds + 60 then return {'absolute'} end
local revision = revision_of(r, seconds)
if revision ~= tonumber(ARGV[2]) then return {'conflict', value:sub(1, 22) .. stamps(r.seen, revision) .. value:sub(31)} end
local before = r.authenticated
local seen = ARGV[6] == '1' and seconds or r.seen
value = ARGV[3] .. stamps(seen, revision % WAS_IDLE + 1) .. ARGV[4]
r = unpack_record(value)
if r.authenticated ~= before and not is_now(r.authenticated, seconds) then return {'clock'} end
local expires = expiry_ms(r, ARGV[6] == '1' and ms or seen * 1000)
if r.bound then
  if renewed then redis.call('ZREM', KEYS[2], ARGV[1]) end
  admit(KEYS[2], ARGV[5], expires, r.epoch, ms)
end
if renewed then redis.call('UNLINK', KEYS[1]) end
redis.call('SET', KEYS[4], value, 'PXAT', whole(expires))
return {'ok', value}
