-- untag.lua: takes keys that were invalidated out of the index of their tag, unless they were entered again since.
--
-- KEYS[1] index     sorted set: the keys that bear the tag
-- ARGV[1..] members  member and score, in turns, as they were read
-- Returns how many were taken out
-- Complexity O(n log m) for n members given, of m

local removed = 0
for i = 1, #ARGV, 2 do
  local score = redis.call('ZSCORE', KEYS[1], ARGV[i])
  if score and tonumber(score) == tonumber(ARGV[i + 1]) then
    removed = removed + redis.call('ZREM', KEYS[1], ARGV[i])
  end
end
return removed
