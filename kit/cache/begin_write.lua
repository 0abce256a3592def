-- begin_write.lua: before a write to the database: removes the entry, and keeps readers from loading it until the write has ended.
--
-- KEYS[1] value     string: the entry
-- KEYS[2] lease     string: who loads or writes the entry
-- ARGV[1] token     names this write, 8 characters
-- ARGV[2] lease_ms  how long readers wait unless it is renewed, milliseconds, > 0
-- Returns the time, now_ms
-- Complexity O(n) in the length of the value and the writes of this entry that are at work
--
-- A load under way loses its lease. Another write under way makes both of them
-- contended (c:): nobody can tell in which order the database takes them, so
-- none of them may leave a value. Run again with the same token, it changes nothing.

local time = redis.call('TIME')
redis.call('DEL', KEYS[1])
local lease = redis.call('GET', KEYS[2])
local kind = lease and string.sub(lease, 1, 2)
if kind ~= 'w:' and kind ~= 'c:' then
  lease = 'w:' .. ARGV[1]
elseif not string.find(lease, ARGV[1], 3, true) then
  lease = 'c:' .. string.sub(lease, 3) .. ARGV[1]
end
redis.call('SET', KEYS[2], lease, 'PX', ARGV[2])
return tonumber(time[1]) * 1000 + math.floor(tonumber(time[2]) / 1000)
