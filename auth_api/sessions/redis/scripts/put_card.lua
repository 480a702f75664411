-- KEYS card, index   ARGV card, lifetime in seconds, nonce of one's own fence, or '' for a reader that fills a gap
-- returns 1 when the card stands now. Never replaces a newer card, nor somebody else's fence.
local card, fence = redis.call('GET', KEYS[1]), ARGV[3]
local epoch = struct.unpack('>I4', ARGV[1]:sub(3, 6))
if fence == '' then
  -- a reader may have read the row before a change: it only fills a gap, or replaces an older epoch
  if card and (card:byte(1) == 0 or struct.unpack('>I4', card:sub(3, 6)) >= epoch) then return 0 end
else
  if card and card:byte(1) == 0 and card:sub(2) ~= fence then return 0 end
  if card and card:byte(1) == 1 and struct.unpack('>I4', card:sub(3, 6)) > epoch then return 0 end
  local entries = redis.call('ZSCORE', KEYS[2], 'e')
  if entries and tonumber(entries) < epoch then redis.call('UNLINK', KEYS[2]) end
end
redis.call('SET', KEYS[1], ARGV[1], 'EX', ARGV[2])
return 1
