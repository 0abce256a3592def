-- Release gives a lease back, unless it has ended and is another's by now.
--
-- KEYS[1]  the lease
-- ARGV[1]  the token of whoever took it
--
-- Returns 1 when it was given back, 0 otherwise. O(1).
if redis.call('GET', KEYS[1]) == ARGV[1] then
  return redis.call('DEL', KEYS[1])
end
return 0
