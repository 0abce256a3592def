-- release.lua: gives the lease of a load back without storing anything.
--
-- KEYS[1] lease  string: who loads or writes the entry
-- ARGV[1] token  of the load
-- Returns 1 when given back, 0 when it was no longer held
-- Complexity O(1)

if redis.call('GET', KEYS[1]) == 'l:' .. ARGV[1] then
  return redis.call('DEL', KEYS[1])
end
return 0
