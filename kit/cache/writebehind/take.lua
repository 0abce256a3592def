-- take.lua: leases a shard, or goes on with it, and reads what is due, oldest first.
--
-- KEYS[1] pending   hash: key to entry
-- KEYS[2] due       zset: key by the time when it is to be written, ms
-- KEYS[3] since     zset: key by the time of its oldest write that is not flushed, ms
-- KEYS[4] owner     string: the token of the worker that has the shard
-- ARGV[1] token     of this worker's turn
-- ARGV[2] lease_ms  milliseconds, > 0
-- ARGV[3] batch     how many entries at most, > 0
-- ARGV[4] ahead_ms  takes what is due within this time too, milliseconds, >= 0
-- Returns {now_ms, key, entry, since_ms, …}; {now_ms} alone when nothing is due or
--   another has the shard, and then this token has it no more
-- Complexity O(log n + batch)
--
-- Nothing is removed: a worker that dies leaves all as it was.
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local owner = redis.call('GET', KEYS[4])
if owner and owner ~= ARGV[1] then
  return {now}
end
local keys = redis.call('ZRANGEBYSCORE', KEYS[2], '-inf', string.format('%.0f', now + ARGV[4]), 'LIMIT', 0, ARGV[3])
if #keys == 0 then
  if owner then
    redis.call('DEL', KEYS[4])
  end
  return {now}
end
redis.call('SET', KEYS[4], ARGV[1], 'PX', ARGV[2])
local taken = {now}
for _, key in ipairs(keys) do
  table.insert(taken, key)
  table.insert(taken, redis.call('HGET', KEYS[1], key))
  table.insert(taken, tonumber(redis.call('ZSCORE', KEYS[3], key)))
end
return taken
