-- acquire.lua: answers a miss: with a value that came meanwhile, with the right to load, or with how long others hold that right.
--
-- KEYS[1] value     string: header and payload of an entry, see entry.go
-- KEYS[2] lease     string: who loads or writes the entry at the moment, see lease.go
-- ARGV[1] token     names this load, 8 characters
-- ARGV[2] lease_ms  how long the right to load lasts unless it is renewed, milliseconds, > 0
-- ARGV[3] seen      id of the entry that the caller has and wants replaced; empty for none
-- Returns {0, now_ms, value}: a value that the caller has not seen, fresh or of another format;
--         {1, now_ms, ''}: the lease is the caller's; {2, now_ms, left_ms}: it is another's, for so long
-- Complexity O(1), and the length of a value that is returned
--
-- Run again with the same token, it grants the same lease again: a lost reply
-- harms nobody.

local time = redis.call('TIME')
local now = tonumber(time[1]) * 1000 + math.floor(tonumber(time[2]) / 1000)

local head = redis.call('GETRANGE', KEYS[1], 0, 25)
if head ~= '' and string.sub(head, 3, 10) ~= ARGV[3] then
  local ours = #head == 26 and string.byte(head, 1) == 1
  local fresh = 0
  if ours then
    for i = 17, 22 do
      fresh = fresh * 256 + string.byte(head, i)
    end
  end
  if not ours or fresh > now then
    return {0, now, redis.call('GET', KEYS[1])}
  end
end

local mine = 'l:' .. ARGV[1]
local lease = redis.call('GET', KEYS[2])
if lease and lease ~= mine then
  return {2, now, redis.call('PTTL', KEYS[2])}
end
redis.call('SET', KEYS[2], mine, 'PX', ARGV[2])
return {1, now, ''}
