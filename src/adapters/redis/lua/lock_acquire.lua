-- Grants a free lock, or tells of the lease that stands in the way. The same attempt sent twice is granted once.
-- KEYS: the lock, the last token, the index of live locks.
-- ARGV: name, owner, ttl in microseconds, the attempt, the highest token that the caller has seen.
-- Answer: 1 or 0, owner, token, acquired, expires, now.
local now = now_micros()
local held = redis.call('HMGET', KEYS[1], 'owner', 'token', 'acquired', 'expires', 'attempt')
if held[1] and tonumber(held[4]) > now then
    local granted = held[5] == ARGV[4] and 1 or 0
    return {granted, held[1], held[2], held[3], held[4], string.format('%.0f', now)}
end
-- From the clock, so that tokens grow also past the loss of all data; by one, where the clock was set back.
local last = tonumber(redis.call('GET', KEYS[2]) or 0)
if not last then
    return redis.error_reply('WRONGTYPE the last token is no number')
end
local token = string.format('%.0f', math.max(last + 1, tonumber(ARGV[5]) + 1, now))
local acquired = string.format('%.0f', now)
local expires = string.format('%.0f', now + tonumber(ARGV[3]))
redis.call('SET', KEYS[2], token)
redis.call('HSET', KEYS[1],
    'owner', ARGV[2], 'token', token, 'acquired', acquired, 'expires', expires, 'attempt', ARGV[4])
-- The key's own expiry clears up. What counts is `expires`.
redis.call('PEXPIRE', KEYS[1], math.ceil(tonumber(ARGV[3]) / 1000))
redis.call('ZREMRANGEBYSCORE', KEYS[3], '-inf', acquired)
redis.call('ZADD', KEYS[3], expires, ARGV[1])
return {1, ARGV[2], token, acquired, expires, acquired}
