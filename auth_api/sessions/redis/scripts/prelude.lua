-- Prepended to every script. Record: format, flags, idle, lifetime, epoch, created, authenticated | last seen, revision |
-- sealed body (records.py). Snapshot: 1, active, epoch, sealed, run | or a fence: 0, nonce.
-- Redis' own clock is the only clock.
local BOUND, ADMIN = 1, 4
local FORMAT = 2 -- the newest that this release reads; formats 1 and 2 have the same layout

local function now()
  local t = redis.call('TIME')
  return tonumber(t[1]), tonumber(t[1]) * 1000 + tonumber(t[2]) / 1000
end

-- Milliseconds with their fraction, as text: Lua's own conversion would cut it.
local function text(ms)
  return string.format('%.3f', ms)
end

local function whole(ms)
  return string.format('%.0f', math.ceil(ms))
end

local function unpack_record(value)
  local r = {}
  r.format, r.flags, r.idle, r.lifetime, r.epoch, r.created, r.authenticated, r.seen, r.revision =
    struct.unpack('>BBI4I4I4I4I4I4I4', value)
  r.bound = bit.band(r.flags, BOUND) ~= 0
  r.ends = r.authenticated + r.lifetime
  return r
end

-- The top bit of the revision: the session went unused for an hour, some time after its body was sealed, so the second factor in it no
-- longer counts (assurance.py). The scripts cannot change the body; who writes it next leaves the factor's time out and clears the bit.
local WAS_IDLE, LONGEST_PAUSE = 2147483648, 3600

local function revision_of(r, seconds)
  if r.revision < WAS_IDLE and seconds - r.seen > LONGEST_PAUSE then return r.revision + WAS_IDLE end
  return r.revision
end

local function stamps(seen, revision)
  return struct.pack('>I4I4', seen, revision)
end

-- Whether the time of authentication, which was read with TIME and sealed before this script ran, is still current.
local function is_now(authenticated, seconds)
  return math.abs(seconds - authenticated) < 2
end

-- Whether a snapshot was written in this run of the store (run.lua).
local function is_of(run, snapshot)
  return snapshot:sub(-#run) == run
end

-- Why the record is over, or nil while it lives. An entry in the index is part of being alive: taking it out ends the session.
-- Epochs only grow, so a higher one holds in every run of the store; a user may have been activated again since an earlier run.
local function end_reason(r, seconds, index, id_hash, snapshot, run)
  if seconds >= r.ends then return 'absolute' end
  if seconds >= r.seen + r.idle then return 'idle' end
  if not r.bound then return nil end
  if not redis.call('ZSCORE', index, id_hash) then return 'ended' end
  if snapshot and snapshot:byte(1) == 1 then
    if struct.unpack('>I4', snapshot:sub(3, 6)) > r.epoch then return 'epoch' end
    if snapshot:byte(2) == 0 and is_of(run, snapshot) then return 'inactive' end
  end
  return nil
end

-- The epoch in a snapshot; false for a fence, and without a snapshot.
local function epoch_in(snapshot)
  return snapshot and snapshot:byte(1) == 1 and struct.unpack('>I4', snapshot:sub(3, 6))
end

-- The epoch of the entries in an index, 0 without entries.
local function epoch_of(index)
  return tonumber(redis.call('ZSCORE', index, 'e') or 0)
end

-- Whether the sessions of the user were ended since `epoch` was read.
local function ended_since(epoch, index, snapshot)
  local known = epoch_in(snapshot)
  return (known and known > epoch) or epoch_of(index) > epoch
end

-- The member "e" of an index holds the epoch of its entries as score, below every time stamp: entries of older epochs go in one step.
local FIRST_TIME = '(4294967296'

local function admit(index, id_hash, expires, epoch, ms)
  local kept = redis.call('ZSCORE', index, 'e')
  if not kept or tonumber(kept) < epoch then
    redis.call('UNLINK', index)
    redis.call('ZADD', index, epoch, 'e')
  end
  redis.call('ZADD', index, text(expires), id_hash)
  redis.call('ZREMRANGEBYSCORE', index, FIRST_TIME, text(ms))
  local last = redis.call('ZRANGE', index, -1, -1, 'WITHSCORES')
  redis.call('PEXPIREAT', index, whole(tonumber(last[2])))
end

local function expiry_ms(r, ms)
  return math.min(ms + r.idle * 1000, r.ends * 1000)
end
