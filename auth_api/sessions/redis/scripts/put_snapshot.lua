-- KEYS snapshot, index
-- ARGV snapshot, lifetime in seconds, nonce of one's own fence, or '' for a reader that fills a gap, run before the row was read, run
-- returns 1 if the snapshot is stored now. Never replaces a newer snapshot, nor another writer's fence.
--@run
local snapshot, fence = redis.call('GET', KEYS[1]), ARGV[3]
local epoch = struct.unpack('>I4', ARGV[1]:sub(3, 6))
local known = epoch_in(snapshot)
-- Since the row was read, a fence or a newer snapshot may have been lost: then this one may be older than the row.
local lost = ARGV[4] ~= run
if fence == '' then
  -- a reader may have read the row before a change: it only fills a gap, or replaces an older epoch or what another run left
  if lost or (snapshot and not known) then return 0 end
  if known and (known > epoch or (known == epoch and is_of(run, snapshot))) then return 0 end
else
  if snapshot and not known and snapshot:sub(2) ~= fence then return 0 end
  if known and known > epoch then return 0 end
  local entries = redis.call('ZSCORE', KEYS[2], 'e')
  if entries and tonumber(entries) < epoch then redis.call('UNLINK', KEYS[2]) end
  if lost then
    redis.call('UNLINK', KEYS[1]) -- the fence was lost: a reader may have filled the gap with the row of before
    return 0
  end
end
local answer = redis.pcall('SET', KEYS[1], ARGV[1] .. run, 'EX', ARGV[2])
if not answer.err then return 1 end
return fence == '' and 0 or answer -- a server that refuses writes: to a reader, the snapshot is only a cache
