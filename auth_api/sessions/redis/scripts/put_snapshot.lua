-- KEYS snapshot, index   ARGV snapshot, lifetime in seconds, nonce of one's own fence, or '' for a reader that fills a gap
-- returns 1 if the snapshot is stored now. Never replaces a newer snapshot, nor another writer's fence.
local snapshot, fence = redis.call('GET', KEYS[1]), ARGV[3]
local epoch = struct.unpack('>I4', ARGV[1]:sub(3, 6))
if fence == '' then
  -- a reader may have read the row before a change: it only fills a gap, or replaces an older epoch
  if snapshot and (snapshot:byte(1) == 0 or struct.unpack('>I4', snapshot:sub(3, 6)) >= epoch) then return 0 end
else
  if snapshot and snapshot:byte(1) == 0 and snapshot:sub(2) ~= fence then return 0 end
  if snapshot and snapshot:byte(1) == 1 and struct.unpack('>I4', snapshot:sub(3, 6)) > epoch then return 0 end
  local entries = redis.call('ZSCORE', KEYS[2], 'e')
  if entries and tonumber(entries) < epoch then redis.call('UNLINK', KEYS[2]) end
end
redis.call('SET', KEYS[1], ARGV[1], 'EX', ARGV[2])
return 1
