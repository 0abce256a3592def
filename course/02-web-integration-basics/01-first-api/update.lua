-- Update corrects an item that is there.
--
-- KEYS[1]  the item
-- ARGV     its fields and their values, in turn
--
-- Returns 1 when it was corrected, 0 when there is no such item. O(fields).

-- region: script
if redis.call('EXISTS', KEYS[1]) == 0 then
  return 0
end
redis.call('HSET', KEYS[1], unpack(ARGV))
return 1
-- endregion
