-- fail.lua: puts off what could not be written, or lays it aside as a dead letter.
--
-- KEYS[1] pending  hash: key to entry
-- KEYS[2] due      zset: key by the time when it is to be written, ms
-- KEYS[3] since    zset: key by the time of its oldest write that is not flushed, ms
-- KEYS[4] dead     hash: key to dead letter
-- KEYS[5] meta     hash: last version, counters
-- KEYS[6] owner    string: the token of the worker that has the shard
-- ARGV[1] token    of this worker's turn
-- ARGV[2..] failed  for each entry six: key, version, tries and attempts until now,
--   how many milliseconds until the next try (negative: it is dead), the error's text
-- Returns {1, laid aside}, or {0, 0} when the shard is no longer this worker's
-- Complexity O(k log n) for k entries and n pending keys of the shard
--
-- A dead letter is "<length of error> <error><entry>". A newer write of the key is
-- put off as the older one would be, and never laid aside.
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
if redis.call('GET', KEYS[6]) ~= ARGV[1] then
  return {0, 0}
end
local dead = 0
for i = 2, #ARGV, 6 do
  local key, entry = ARGV[i], redis.call('HGET', KEYS[1], ARGV[i])
  if entry then
    local version, attempts, rest = string.match(entry, '^(%d+) %d+ (%d+) %d+( .*)$')
    local wait = tonumber(ARGV[i + 4])
    if version == ARGV[i + 1] then
      attempts = ARGV[i + 3]
    end
    local head = version .. ' ' .. ARGV[i + 2] .. ' ' .. attempts .. ' ' .. string.format('%.0f', now)
    if version == ARGV[i + 1] and wait < 0 then
      redis.call('HSET', KEYS[4], key, #ARGV[i + 5] .. ' ' .. ARGV[i + 5] .. head .. rest)
      redis.call('HDEL', KEYS[1], key)
      redis.call('ZREM', KEYS[2], key)
      redis.call('ZREM', KEYS[3], key)
      dead = dead + 1
    else
      redis.call('HSET', KEYS[1], key, head .. rest)
      redis.call('ZADD', KEYS[2], string.format('%.0f', now + math.max(wait, 0)), key)
    end
  end
end
if dead > 0 then
  redis.call('HINCRBY', KEYS[5], 'died', dead)
end
return {1, dead}
