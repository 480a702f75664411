-- One validation: both clocks, index, epoch, active flag; slides the idle clock at most once an interval.
-- KEYS record, index, snapshot   ARGV id hash, slide interval in seconds (0: do not slide), admin door (1 or 0), run
-- returns {valid, record, snapshot, seconds} | {unsure, record, run, seconds} (no usable snapshot of this run: ask the database), both
-- with the error if the server refused the slide | {none} | {newer} | {<reason of the end>}
-- What is known does not depend on the writes: a server that refuses them (OOM, MISCONF, NOREPLICAS, READONLY) still answers.
local found = redis.call('MGET', KEYS[1], KEYS[3])
local value, snapshot = found[1], found[2]
if not value then
  -- of another type, or lost before it expired: remove the rest
  if redis.call('EXISTS', KEYS[1]) == 1 or redis.call('ZSCORE', KEYS[2], ARGV[1]) then
    redis.pcall('UNLINK', KEYS[1])
    redis.pcall('ZREM', KEYS[2], ARGV[1])
  end
  return {'none'}
end

--@run
-- Nearly every call: alive, seen within the interval, and a snapshot of the same epoch and run. Answered in few steps, before the prelude:
-- half of what a validation costs Redis is Lua. Whatever is not so plain is judged in full below.
local format, flags, idle, lifetime, epoch, _, authenticated, seen = struct.unpack('>BBI4I4I4I4I4I4', value)
local interval = tonumber(ARGV[2])
if snapshot and format <= 2 and (flags == 1 or flags == 3) and ARGV[3] == '0' then
  local kind, active, known = struct.unpack('>BBI4', snapshot)
  local seconds = tonumber(redis.call('TIME')[1])
  if kind == 1 and active == 1 and known == epoch and snapshot:sub(-RUN_LENGTH) == run
    and seconds < authenticated + lifetime and seconds < seen + idle
    and (seconds < seen + interval or interval == 0)
    and redis.call('ZSCORE', KEYS[2], ARGV[1])
  then
    return {'valid', value, snapshot, seconds}
  end
end

--@prelude
local r = unpack_record(value)
if r.format > FORMAT then return {'newer'} end
if (bit.band(r.flags, ADMIN) ~= 0) ~= (ARGV[3] == '1') then return {'none'} end
local seconds, ms = now()
local reason = end_reason(r, seconds, KEYS[2], ARGV[1], snapshot, run)
if reason then
  redis.pcall('UNLINK', KEYS[1])
  redis.pcall('ZREM', KEYS[2], ARGV[1])
  return {reason}
end
local refused
if interval > 0 and seconds - r.seen >= interval then
  local expires = expiry_ms(r, ms)
  local slid = value:sub(1, 22) .. stamps(seconds, revision_of(r, seconds)) .. value:sub(31)
  refused = redis.pcall('SET', KEYS[1], slid, 'PXAT', whole(expires)).err
  if not refused then -- nor will the server refuse what follows the first write of a script
    value = slid
    if r.bound then admit(KEYS[2], ARGV[1], expires, r.epoch, ms) end
  end
end
if r.bound and not (snapshot and snapshot:byte(1) == 1 and struct.unpack('>I4', snapshot:sub(3, 6)) >= r.epoch and is_of(run, snapshot)) then
  return {'unsure', value, run, seconds, refused}
end
return {'valid', value, snapshot, seconds, refused}
