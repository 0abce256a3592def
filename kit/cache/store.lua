-- store.lua: stores what was loaded, if the load's lease still stands.
--
-- KEYS[1] value   string: the entry
-- KEYS[2] lease   string: who loads or writes the entry
-- ARGV[1] token   of the load, as acquire.lua granted it
-- ARGV[2] ttl_ms  how long the entry may stand, milliseconds, > 0
-- ARGV[3] entry   header and payload; the header holds the token as its id
-- Returns 1 when stored, 0 when the lease has ended or was killed
-- Complexity O(1), and the length of the entry
--
-- When the reply was lost and it runs again, the entry itself says that it was
-- stored: it bears the token.

if redis.call('GET', KEYS[2]) ~= 'l:' .. ARGV[1] then
  if redis.call('GETRANGE', KEYS[1], 2, 9) == ARGV[1] then
    return 1
  end
  return 0
end
redis.call('SET', KEYS[1], ARGV[3], 'PX', ARGV[2])
redis.call('DEL', KEYS[2])
return 1
