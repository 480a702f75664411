-- Stores a pending sign-in: tries left (1 byte), epoch (4 bytes), sealed body (pending.py). It is no session: no index entry, no record.
-- KEYS pending, index, snapshot   ARGV value, lifetime in seconds, run
-- returns {ok} | {epoch}: the user's sessions were ended since the password was checked
local epoch = struct.unpack('>I4', ARGV[1]:sub(2, 5))
if ended_since(epoch, KEYS[2], redis.call('GET', KEYS[3])) then return {'epoch'} end
redis.call('SET', KEYS[1], ARGV[1], 'EX', ARGV[2])
return {'ok'}
