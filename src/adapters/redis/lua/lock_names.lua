-- KEYS: the index of live locks. ARGV: what names begin with. Answer: names, in no order (a server's locale decides
-- how Lua sorts).
local live = redis.call('ZRANGEBYSCORE', KEYS[1], string.format('(%.0f', now_micros()), '+inf')
if ARGV[1] == '' then
    return live
end
local names = {}
for _, name in ipairs(live) do
    if string.sub(name, 1, #ARGV[1]) == ARGV[1] then
        names[#names + 1] = name
    end
end
return names
