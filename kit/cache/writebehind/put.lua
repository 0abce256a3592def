-- put.lua: accepts a write: it replaces the pending one of the same key, or queues the key.
--
-- KEYS[1] pending    hash: key to entry
-- KEYS[2] due        zset: key by the time when it is to be written, ms
-- KEYS[3] since      zset: key by the time of its oldest write that is not flushed, ms
-- KEYS[4] dead       hash: key to dead letter
-- KEYS[5] meta       hash: last version, counters
-- ARGV[1] key        of the write
-- ARGV[2] op         P to put, D to delete
-- ARGV[3] payload    the encoded value, empty for D
-- ARGV[4] delay_ms   how long a new key waits for further writes, milliseconds, >= 0
-- ARGV[5] limit      pending keys and dead letters of the shard, > 0
-- Returns {1, version} when accepted, {0, 0} when the shard is full
-- Complexity O(log n) for n pending keys of the shard
--
-- An entry is "<version> <tries> <attempts> <failed_ms> <op> <payload>". Versions
-- are microseconds of this server's clock, or one more than the last where that is
-- larger: they grow also when this hash was lost, for a database that has seen the
-- old ones would refuse smaller ones. They fit a double until the year 2255.
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local tries = '0'
local old = redis.call('HGET', KEYS[1], ARGV[1])
if old then
  tries = string.match(old, '^%d+ (%d+)')
  redis.call('HINCRBY', KEYS[5], 'coalesced', 1)
else
  local held = redis.call('HLEN', KEYS[1]) + redis.call('HLEN', KEYS[4]) - redis.call('HEXISTS', KEYS[4], ARGV[1])
  if held >= tonumber(ARGV[5]) then
    return {0, 0}
  end
  redis.call('ZADD', KEYS[2], string.format('%.0f', now + ARGV[4]), ARGV[1])
  redis.call('ZADD', KEYS[3], string.format('%.0f', now), ARGV[1])
end
local last = tonumber(redis.call('HGET', KEYS[5], 'version') or '0')
local version = string.format('%.0f', math.max(last + 1, time[1] * 1000000 + time[2]))
redis.call('HSET', KEYS[5], 'version', version)
-- A key that failed keeps its tries, and so its place and its being written
-- alone; the new value has all its attempts before it.
redis.call('HSET', KEYS[1], ARGV[1], version .. ' ' .. tries .. ' 0 0 ' .. ARGV[2] .. ' ' .. ARGV[3])
-- The new write takes the place of one that could not be written.
redis.call('HDEL', KEYS[4], ARGV[1])
return {1, tonumber(version)}
