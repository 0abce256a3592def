-- Store keeps what a reader has loaded, if nobody has taken its lease away meanwhile.
--
-- KEYS[1]  the entry
-- KEYS[2]  its lease
-- ARGV[1]  the token that the reader put there
-- ARGV[2]  how long the entry lives, milliseconds, above 0
-- ARGV[3]  the entry
--
-- Returns 1 when it was stored, 0 when the lease was gone or another's. O(1).

if redis.call('GET', KEYS[2]) ~= ARGV[1] then
  return 0
end
redis.call('SET', KEYS[1], ARGV[3], 'PX', ARGV[2])
redis.call('DEL', KEYS[2])
return 1
