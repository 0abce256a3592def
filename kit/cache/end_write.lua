-- end_write.lua: after a write to the database: stores what was written if that write was alone, and removes what is there if not.
--
-- KEYS[1] value   string: the entry
-- KEYS[2] lease   string: who loads or writes the entry
-- ARGV[1] token   of the write, as begin_write.lua was given it
-- ARGV[2] ttl_ms  how long the entry may stand, milliseconds, > 0
-- ARGV[3] lag_ms  how long nobody may load when nothing is stored; milliseconds, 0 for none
-- ARGV[4] entry   header and payload; empty when the write failed, so that nobody knows what the database holds
-- Returns 1 when stored, 0 when nothing was left
-- Complexity O(n) in the length of the value and the writes of this entry that are at work
--
-- A write that is not in the lease any more (it lasted too long, or an
-- invalidation came) has overlapped with whatever is there now: a value goes, a
-- load loses its lease, another write becomes contended. The lease of contended
-- writes ends with the last of them, or by itself if one of them died.

if redis.call('GETRANGE', KEYS[1], 2, 9) == ARGV[1] then
  return 1 -- the reply was lost, and this is the second time
end
local lease = redis.call('GET', KEYS[2]) or ''
if lease == 'w:' .. ARGV[1] and ARGV[4] ~= '' then
  redis.call('SET', KEYS[1], ARGV[4], 'PX', ARGV[2])
  redis.call('DEL', KEYS[2])
  return 1
end

redis.call('DEL', KEYS[1])
local kind = string.sub(lease, 1, 2)
if kind == 'w:' or kind == 'c:' then
  local others = string.sub(lease, 3)
  local at = string.find(others, ARGV[1], 1, true)
  if at then
    others = string.sub(others, 1, at - 1) .. string.sub(others, at + 8)
  end
  if others ~= '' then
    redis.call('SET', KEYS[2], 'c:' .. others, 'KEEPTTL')
    return 0
  end
end
if tonumber(ARGV[3]) > 0 then
  redis.call('SET', KEYS[2], 't:', 'PX', ARGV[3])
else
  redis.call('DEL', KEYS[2])
end
return 0
