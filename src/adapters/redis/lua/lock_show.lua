-- KEYS: locks. Answer, for each: owner, token, acquired, expires; false where no lease is live.
local now = now_micros()
local shown = {}
for index, key in ipairs(KEYS) do
    local held = redis.call('HMGET', key, 'owner', 'token', 'acquired', 'expires')
    shown[index] = held[1] and tonumber(held[4]) > now and held
end
return shown
