-- Takes one of the tries of a pending sign-in, before the code is judged, so that parallel tries count too. Without a try left
-- it is over; its key stays for the last one, which may be judged right now and make the session, until it expires.
-- KEYS pending, index, snapshot   ARGV run
-- returns {ok, body, tries left} | {none}
local value = redis.call('GET', KEYS[1])
if not value then return {'none'} end
local left, epoch = struct.unpack('>BI4', value)
if left < 1 then return {'none'} end
if ended_since(epoch, KEYS[2], redis.call('GET', KEYS[3])) then
  redis.call('UNLINK', KEYS[1])
  return {'none'}
end
redis.call('SET', KEYS[1], string.char(left - 1) .. value:sub(2), 'KEEPTTL')
return {'ok', value:sub(6), left - 1}
