-- Deletes values that no release has written: keys of another type, and values too short to be read. Otherwise
-- every call that reads them would fail for ever.
-- KEYS any of the engine's   returns how many were deleted
local SHORTEST = {[':card'] = 6, ['record'] = 43} -- bytes (records.py, codec.py); a fence is longer
local deleted = 0
for _, key in ipairs(KEYS) do
  local kind = redis.call('TYPE', key).ok
  local wanted = key:sub(-6) == ':index' and 'zset' or 'string'
  local shortest = SHORTEST[key:sub(-5)] or SHORTEST.record
  local broken = kind ~= wanted or (kind == 'string' and redis.call('STRLEN', key) < shortest)
  if kind ~= 'none' and broken then deleted = deleted + redis.call('UNLINK', key) end
end
return deleted
