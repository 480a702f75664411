-- One validation: both clocks, index, epoch, active flag; slides the idle clock at most once an interval.
-- KEYS record, index, snapshot   ARGV id hash, slide interval in seconds (0: do not slide), admin door (1 or 0)
-- returns {state, record, snapshot}: valid | unsure (no usable snapshot: ask the database) | none | newer | <reason of the end>
local found = redis.call('MGET', KEYS[1], KEYS[3])
local value, snapshot = found[1], found[2]
if not value then
  -- of another type, or lost before it expired: remove the rest
  if redis.call('EXISTS', KEYS[1]) == 1 or redis.call('ZSCORE', KEYS[2], ARGV[1]) then
    redis.call('UNLINK', KEYS[1])
    redis.call('ZREM', KEYS[2], ARGV[1])
  end
  return {'none'}
end

-- Nearly every call: alive, seen within the interval, and a snapshot of the same epoch. Answered in few steps, before the prelude:
-- half of what a validation costs Redis is Lua. Whatever is not so plain is judged in full below.
local format, flags, idle, lifetime, epoch, _, authenticated, seen = struct.unpack('>BBI4I4I4I4I4I4', value)
local interval = tonumber(ARGV[2])
if snapshot and format <= 2 and (flags == 1 or flags == 3) and ARGV[3] == '0' then
  local kind, active, known = struct.unpack('>BBI4', snapshot)
  local seconds = tonumber(redis.call('TIME')[1])
  if kind == 1 and active == 1 and known == epoch
    and seconds < authenticated + lifetime and seconds < seen + idle
    and (seconds < seen + interval or interval == 0)
    and redis.call('ZSCORE', KEYS[2], ARGV[1])
  then
    return {'valid', value, snapshot}
  end
end

--@prelude
local r = unpack_record(value)
if r.format > FORMAT then return {'newer'} end
if (bit.band(r.flags, ADMIN) ~= 0) ~= (ARGV[3] == '1') then return {'none'} end
local seconds, ms = now()
local reason = end_reason(r, seconds, KEYS[2], ARGV[1], snapshot)
if reason then
  redis.call('UNLINK', KEYS[1])
  redis.call('ZREM', KEYS[2], ARGV[1])
  return {reason}
end
if interval > 0 and seconds - r.seen >= interval then
  local expires = expiry_ms(r, ms)
  value = value:sub(1, 22) .. struct.pack('>I4', seconds) .. value:sub(27)
  redis.call('SET', KEYS[1], value, 'PXAT', whole(expires))
  if r.bound then admit(KEYS[2], ARGV[1], expires, r.epoch, ms) end
end
if r.bound and (not snapshot or snapshot:byte(1) ~= 1 or struct.unpack('>I4', snapshot:sub(3, 6)) < r.epoch) then
  return {'unsure', value, snapshot}
end
return {'valid', value, snapshot}
