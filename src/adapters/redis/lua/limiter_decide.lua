-- A sliding log a key: a list of the moments at which admitted hits stop counting, earliest first. All windows are
-- decided at once: either every one has room, and the call counts in all of them, or it counts nowhere.
-- KEYS: logs, each once. ARGV: 1 to consume or 0 to ask, cost, a period in microseconds for each log, then for each
-- window the number of its log and its limit.
-- Answer: 1 or 0, remaining, microseconds to wait, the number of the window that asks for the wait.
local now = now_micros()
local cost = tonumber(ARGV[2])
local logs = #KEYS

local over, used = {}, {}
for log, key in ipairs(KEYS) do
    local length = redis.call('LLEN', key)
    local low, high = 0, length
    if length > 0 and tonumber(redis.call('LINDEX', key, 0)) > now then
        high = 0
    end
    while low < high do
        local middle = math.floor((low + high) / 2)
        if tonumber(redis.call('LINDEX', key, middle)) <= now then
            low = middle + 1
        else
            high = middle
        end
    end
    over[log], used[log] = low, length - low
end

local remaining, wait, refused_by = math.huge, 0, 0
for argument = 3 + logs, #ARGV, 2 do
    local log, limit = tonumber(ARGV[argument]), tonumber(ARGV[argument + 1])
    remaining = math.min(remaining, limit - used[log])
    local excess = used[log] + cost - limit
    if excess > 0 then
        local longer = tonumber(redis.call('LINDEX', KEYS[log], over[log] + excess - 1)) - now
        if longer > wait then
            wait, refused_by = longer, (argument - 1 - logs) / 2
        end
    end
end
if wait > 0 then
    return {0, math.max(0, remaining), wait, refused_by}
end
if ARGV[1] == '0' then
    return {1, remaining - cost, 0, 0}
end

for log, key in ipairs(KEYS) do
    if over[log] > 0 then
        redis.call('LTRIM', key, over[log], -1)
    end
    local ends = now + tonumber(ARGV[2 + log])
    local last = redis.call('LINDEX', key, -1)
    if last then
        ends = math.max(ends, tonumber(last)) -- in order, also where the clock was set back
    end
    local hit = string.format('%.0f', ends)
    for _ = 1, cost do
        redis.call('RPUSH', key, hit)
    end
    -- Clears up idle keys, some seconds late: what counts is decided above.
    redis.call('PEXPIRE', key, math.ceil((ends - now) / 1000) + 10000)
end
return {1, remaining - cost, 0, 0}
