-- KEYS: values. Answer: for each key its value (or false) and the milliseconds that it still has to live.
local answer = {}
for number, key in ipairs(KEYS) do
    answer[2 * number - 1] = redis.call('GET', key)
    answer[2 * number] = redis.call('PTTL', key)
end
return answer
