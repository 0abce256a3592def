-- ack.lua: removes what was written, unless a newer write of its key came meanwhile.
--
-- KEYS[1] pending   hash: key to entry
-- KEYS[2] due       zset: key by the time when it is to be written, ms
-- KEYS[3] since     zset: key by the time of its oldest write that is not flushed, ms
-- KEYS[4] meta      hash: last version, counters
-- ARGV[1] taken_ms  when the batch was read, by this server's clock
-- ARGV[2] delay_ms  how long a newer write waits for further ones, milliseconds, >= 0
-- ARGV[3..] written  key and version of each write that the sink has
-- Returns {now_ms, removed}
-- Complexity O(k log n) for k writes and n pending keys of the shard
--
-- No token is asked for: that a version was written stays true, whoever says it.
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local removed = 0
for i = 3, #ARGV, 2 do
  local key, entry = ARGV[i], redis.call('HGET', KEYS[1], ARGV[i])
  if entry then
    local version, tries, rest = string.match(entry, '^(%d+) (%d+)( .*)$')
    if version == ARGV[i + 1] then
      redis.call('HDEL', KEYS[1], key)
      redis.call('ZREM', KEYS[2], key)
      redis.call('ZREM', KEYS[3], key)
      removed = removed + 1
    elseif tonumber(version) > tonumber(ARGV[i + 1]) then
      redis.call('ZADD', KEYS[2], string.format('%.0f', now + ARGV[2]), key)
      redis.call('ZADD', KEYS[3], 'GT', ARGV[1], key)
      if tries ~= '0' then
        redis.call('HSET', KEYS[1], key, version .. ' 0' .. rest)
      end
    end
  end
end
if removed > 0 then
  redis.call('HINCRBY', KEYS[4], 'flushed', removed)
end
return {now, removed}
