-- Who may load a value that is missing? KEYS: the value, the claim, the number of clears.
-- ARGV: the claimant, milliseconds. Answer: {0, value} it is there; {1, clears} you; {2} another is loading it.
local value = redis.call('GET', KEYS[1])
if value then
    return {0, value}
end
local claimant = redis.call('GET', KEYS[2])
if claimant and claimant ~= ARGV[1] then
    return {2}
end
redis.call('SET', KEYS[2], ARGV[1], 'PX', ARGV[2])
return {1, redis.call('GET', KEYS[3]) or ''}
