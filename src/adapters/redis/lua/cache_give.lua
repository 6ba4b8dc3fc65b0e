-- What was loaded is kept, unless its key was changed since the load began: that ends the claim, or counts as a clear.
-- KEYS: the value, the claim, the number of clears. ARGV: the claimant, the clears then, the value, its life in
-- milliseconds. What takes room comes first (cache_put.lua).
if redis.call('GET', KEYS[2]) ~= ARGV[1] then
    return 0
end
local kept = (redis.call('GET', KEYS[3]) or '') == ARGV[2]
if kept then
    redis.call('SET', KEYS[1], ARGV[3], 'PX', ARGV[4])
end
redis.call('UNLINK', KEYS[2])
return kept and 1 or 0
