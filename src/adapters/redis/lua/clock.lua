-- Before each script: the server's clock in microseconds. A whole number that a double holds until the year 2255.
local function now_micros()
    local time = redis.call('TIME')
    return tonumber(time[1]) * 1000000 + tonumber(time[2])
end
