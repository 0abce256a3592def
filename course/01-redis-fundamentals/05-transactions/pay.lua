-- Pay moves money from one box to another, unless there is not enough.
--
-- KEYS[1]  the box that pays
-- KEYS[2]  the box that gets
-- ARGV[1]  the amount, a whole number above 0
--
-- Returns 1 when it was paid, 0 when there was not enough. O(1).

-- region: script
local amount = tonumber(ARGV[1])
local left = tonumber(redis.call('GET', KEYS[1]) or '0')
if left < amount then
  return 0
end
redis.call('DECRBY', KEYS[1], amount)
redis.call('INCRBY', KEYS[2], amount)
return 1
-- endregion
