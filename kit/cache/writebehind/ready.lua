-- ready.lua: tells whether a shard has work that nobody does.
--
-- KEYS[1] due       zset: key by the time when it is to be written, ms
-- KEYS[2] owner     string: the token of the worker that has the shard
-- ARGV[1] ahead_ms  counts what is due within this time too, milliseconds, >= 0
-- Returns 1 or 0
-- Complexity O(log n) for n pending keys of the shard
if redis.call('EXISTS', KEYS[2]) == 1 then
  return 0
end
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local first = redis.call('ZRANGE', KEYS[1], 0, 0, 'WITHSCORES')
if first[2] and tonumber(first[2]) <= now + ARGV[1] then
  return 1
end
return 0
