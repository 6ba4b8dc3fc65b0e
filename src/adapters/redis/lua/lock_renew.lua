-- KEYS: the lock, the index of live locks. ARGV: name, owner, token, ttl in microseconds, channel.
-- Answer: owner, token, acquired, expires; false once the lease is over.
local now = now_micros()
local held = redis.call('HMGET', KEYS[1], 'owner', 'token', 'acquired', 'expires')
if held[1] ~= ARGV[2] or held[2] ~= ARGV[3] or tonumber(held[4]) <= now then
    return false
end
local expires = string.format('%.0f', now + tonumber(ARGV[4]))
-- What takes no room comes first: once a script has written anything, a server that is full refuses it nothing more. The
-- rest takes the place of what is there.
redis.call('PEXPIRE', KEYS[1], math.ceil(tonumber(ARGV[4]) / 1000))
redis.call('HSET', KEYS[1], 'expires', expires)
redis.call('ZADD', KEYS[2], expires, ARGV[1])
-- Only a lease that ends sooner than its waiters believe is told of.
if tonumber(expires) < tonumber(held[4]) then
    redis.call('PUBLISH', ARGV[5], ARGV[1])
end
return {held[1], held[2], held[3], expires}
