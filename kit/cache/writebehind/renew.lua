-- renew.lua: prolongs the lease of a shard while a batch is being written.
--
-- KEYS[1] owner     string: the token of the worker that has the shard
-- ARGV[1] token     of this worker's turn
-- ARGV[2] lease_ms  milliseconds, > 0
-- Returns 1, or 0 when the shard is no longer this worker's
-- Complexity O(1)
if redis.call('GET', KEYS[1]) ~= ARGV[1] then
  return 0
end
return redis.call('PEXPIRE', KEYS[1], ARGV[2])
