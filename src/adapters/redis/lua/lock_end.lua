-- Ends the live lease of that owner and token, or of that attempt, or any where none is named, and tells its waiters.
-- KEYS: the lock, the index of live locks. ARGV: name, channel, owner, token, attempt.
-- Answer: owner, token, acquired, expires; false where there was no such lease.
local held = redis.call('HMGET', KEYS[1], 'owner', 'token', 'acquired', 'expires', 'attempt')
if not held[1] or tonumber(held[4]) <= now_micros() then
    return false
end
if ARGV[4] ~= '' and (held[1] ~= ARGV[3] or held[2] ~= ARGV[4]) then
    return false
end
if ARGV[5] ~= '' and held[5] ~= ARGV[5] then
    return false
end
redis.call('DEL', KEYS[1])
redis.call('ZREM', KEYS[2], ARGV[1])
redis.call('PUBLISH', ARGV[2], ARGV[1])
return {held[1], held[2], held[3], held[4]}
