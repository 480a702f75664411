-- One validation: both clocks, index, epoch, active flag; slides the idle clock at most once an interval.
-- KEYS record, index, card   ARGV id hash, slide interval in seconds (0: do not slide), admin door (1 or 0)
-- returns {state, record, card}: valid | unsure (no usable card: ask the database) | none | <reason of the end>
local value, card = unpack(redis.call('MGET', KEYS[1], KEYS[3]))
if not value then return {'none'} end
local r = unpack_record(value)
if (bit.band(r.flags, ADMIN) ~= 0) ~= (ARGV[3] == '1') then return {'none'} end
local seconds, ms = now()
local reason = ending(r, seconds, KEYS[2], ARGV[1], card)
if reason then
  redis.call('UNLINK', KEYS[1])
  redis.call('ZREM', KEYS[2], ARGV[1])
  return {reason}
end
local interval = tonumber(ARGV[2])
if interval > 0 and seconds - r.seen >= interval then
  local expires = expiry_ms(r, ms)
  value = value:sub(1, 22) .. struct.pack('>I4', seconds) .. value:sub(27)
  redis.call('SET', KEYS[1], value, 'PXAT', whole(expires))
  if r.bound then admit(KEYS[2], ARGV[1], expires, r.epoch, ms) end
end
if r.bound and (not card or card:byte(1) ~= 1 or struct.unpack('>I4', card:sub(3, 6)) < r.epoch) then
  return {'unsure', value, card}
end
return {'valid', value, card}
