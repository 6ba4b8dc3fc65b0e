-- One circuit, shared. The decisions are those of the breaker in process; here the prober has its slot on a lease.
-- KEYS: the circuit. ARGV: what to do, the caller's id, epoch and generation it was admitted in, the last epoch and
-- generation that its process has seen, then thresholds: failures, reset timeout, successes, and the probe's lease, in
-- microseconds.
-- Answer: 1 or 0 (admitted), epoch, generation, state, failures, successes, microseconds until a probe may pass, and
-- the transitions that the process has not seen, oldest first, each as before and after.
-- An epoch is the life of this key: a server that lost its data begins another one, and no outcome of a former one
-- counts in it.
local KEPT = 16
local key, act, id = KEYS[1], ARGV[1], ARGV[2]
local threshold, reset = tonumber(ARGV[7]), tonumber(ARGV[8])
local enough, lease = tonumber(ARGV[9]), tonumber(ARGV[10])
local now = now_micros()

local found = redis.call('HMGET', key,
    'epoch', 'generation', 'state', 'failures', 'successes', 'probe_at', 'prober', 'prober_until')
local epoch = found[1] or string.format('%.0f', now)
local generation = tonumber(found[2] or 0)
local state = found[3] or 'closed'
local failures, successes = tonumber(found[4] or 0), tonumber(found[5] or 0)
local probe_at = tonumber(found[6] or 0)
local prober, prober_until = found[7] or '', tonumber(found[8] or 0)
local first = generation
local changes = {}

local function set(field, value)
    changes[#changes + 1] = field
    changes[#changes + 1] = value
end

local function enter(after)
    generation = generation + 1
    set('told' .. generation % KEPT, state .. ' ' .. after)
    set('generation', generation)
    set('state', after)
    set('prober', '')
    state = after
end

local function open()
    probe_at = now + reset
    set('probe_at', string.format('%.0f', probe_at))
    enter('open')
end

local admitted, wait = 1, 0
local is_present = epoch == ARGV[3] and generation == tonumber(ARGV[4])
local is_prober = is_present and state == 'half-open' and prober == id

if act == 'admit' then
    if state == 'open' and now >= probe_at then
        successes = 0
        set('successes', 0)
        enter('half-open')
        prober = ''
    end
    if state == 'open' then
        admitted, wait = 0, probe_at - now
    elseif state == 'half-open' then
        if prober ~= '' and prober ~= id and prober_until > now then
            admitted, wait = 0, reset
        else
            set('prober', id)
            set('prober_until', string.format('%.0f', now + lease))
        end
    end
elseif act == 'renew' and is_prober then
    set('prober_until', string.format('%.0f', now + lease))
elseif act == 'withdrawn' and is_prober then
    set('prober', '')
elseif act == 'succeeded' and is_present and state == 'closed' then
    failures = 0
    set('failures', 0)
elseif act == 'succeeded' and is_prober then
    successes = successes + 1
    set('successes', successes)
    set('prober', '')
    if successes >= enough then
        failures = 0
        set('failures', 0)
        enter('closed')
    end
elseif act == 'failed' and (is_prober or is_present and state == 'closed') then
    failures = failures + 1
    set('failures', failures)
    if is_prober or failures >= threshold then
        open()
    end
elseif act == 'status' and state == 'open' then
    wait = math.max(0, probe_at - now)
end

if not found[1] and act == 'admit' then
    set('epoch', epoch)
end
if #changes > 0 then
    redis.call('HSET', key, unpack(changes))
    -- A circuit that nobody used for a day begins anew.
    redis.call('PEXPIRE', key, 86400000 + math.ceil(reset / 1000))
end

local seen = first
if ARGV[5] == epoch then
    seen = math.max(tonumber(ARGV[6]), generation - KEPT)
end
local answer = {admitted, epoch, generation, state, failures, successes, wait}
for number = seen + 1, generation do
    local before, after = string.match(redis.call('HGET', key, 'told' .. number % KEPT), '(%S+) (%S+)')
    answer[#answer + 1] = before
    answer[#answer + 1] = after
end
return answer
