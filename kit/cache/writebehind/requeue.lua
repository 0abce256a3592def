-- requeue.lua: makes dead letters pending again, due at once, with all their attempts.
--
-- KEYS[1] pending  hash: key to entry
-- KEYS[2] due      zset: key by the time when it is to be written, ms
-- KEYS[3] since    zset: key by the time of its oldest write that is not flushed, ms
-- KEYS[4] dead     hash: key to dead letter
-- ARGV[1..] keys   of the letters
-- Returns how many there were
-- Complexity O(k log n) for k letters and n pending keys of the shard
--
-- A letter is always the newest write of its key, for a newer one removes it: so it
-- goes back with its version.
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local found = 0
for _, key in ipairs(ARGV) do
  local letter = redis.call('HGET', KEYS[4], key)
  if letter then
    local length, start = string.match(letter, '^(%d+) ()')
    local version, rest = string.match(string.sub(letter, start + length), '^(%d+) %d+ %d+ %d+( .*)$')
    redis.call('HDEL', KEYS[4], key)
    redis.call('HSET', KEYS[1], key, version .. ' 0 0 0' .. rest)
    redis.call('ZADD', KEYS[2], string.format('%.0f', now), key)
    redis.call('ZADD', KEYS[3], string.format('%.0f', math.floor(version / 1000)), key)
    found = found + 1
  end
end
return found
