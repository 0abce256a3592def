-- renew.lua: prolongs the lease of a load, or of a write, that is still at work.
--
-- KEYS[1] lease     string: who loads or writes the entry
-- ARGV[1] token     of the load or write
-- ARGV[2] lease_ms  how long it lasts from now on, milliseconds, > 0
-- Returns 1 when prolonged, 0 when the lease has ended or was killed
-- Complexity O(n) in the writes of this entry that are at work

local lease = redis.call('GET', KEYS[1])
if lease and string.find(lease, ARGV[1], 3, true) then
  return redis.call('PEXPIRE', KEYS[1], ARGV[2])
end
return 0
