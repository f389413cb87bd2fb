-- Everything that happens to one prompt, as one script: each call is one atomic step in Redis.
--
-- KEYS, all of one person, in one slot: as below.
-- ARGV: what is asked, the prompt's id, the user, who asks; then as each function says.
-- Returns {code, {"STATE:1" for each state entered, ":0" if not for the first time}, rule, test,
-- more...}.
--
-- Written before it by outreach/ledger_script.py: ALLOWED (the table of states), OVER, MAX_WAITING,
-- KEEP_S, FIRST_STEPS, LAST_STEPS, AWAY_S, LOOK_S, CHANNEL.

local entry, mailbox, held, index, spoken, awaits, consent = unpack(KEYS)
local what, id, user, by = unpack(ARGV)
local clock = redis.call('TIME')
local now = tonumber(clock[1]) + tonumber(clock[2]) / 1000000
local entered = {}

local function seconds(time)
  return string.format('%.6f', time)
end

local function field(name)
  return redis.call('HGET', entry, name)
end

local function number(name)
  return tonumber(field(name) or 0)
end

local function answer(code, ...)
  local about = redis.call('HMGET', entry, 'rule', 'test')
  return {code, entered, about[1] or '', about[2] or '', ...}
end

-- Writes a line of the prompt's story, and tells whoever follows it.
local function note(state, reason, evidence)
  local n = redis.call('HINCRBY', entry, 'steps', 1)
  local step = '{"state":' .. cjson.encode(state) .. ',"at":' .. seconds(now)
    .. ',"by":' .. cjson.encode(by) .. ',"reason":' .. cjson.encode(reason)
    .. ',"evidence":' .. evidence .. '}'
  redis.call('HSET', entry, 's' .. n, step)
  if n > FIRST_STEPS + LAST_STEPS then
    redis.call('HDEL', entry, 's' .. (n - LAST_STEPS))
  end
  redis.call('EXPIRE', entry, KEEP_S)
  redis.call('PUBLISH', CHANNEL, '{"user":' .. cjson.encode(user) .. ',"id":' .. cjson.encode(id)
    .. ',"step":' .. step .. '}')
end

local WAITS = {published = true, reserved = true, speaking = true}
local CONVERTS = {heard = true, interrupted = true, engaged = true, holdout = true}

-- The one place where the state changes, with everything that hangs on it.
local function enter(state, reason, evidence, till, holder)
  redis.call('HSET', entry, 'state', state, 'until', seconds(till or 0), 'holder', holder or '')
  entered[#entered + 1] = state .. ':' .. redis.call('HSETNX', entry, '@' .. state, seconds(now))
  if WAITS[state] then
    redis.call('ZADD', mailbox, field('due'), id)
    redis.call('EXPIRE', mailbox, KEEP_S)
  else
    redis.call('ZREM', mailbox, id)
  end
  if state == 'held' then
    redis.call('ZADD', held, seconds(till), id)
    redis.call('EXPIRE', held, KEEP_S)
  else
    redis.call('ZREM', held, id)
  end
  local counted = field('counted')
  if counted and counted ~= '' then
    if state == 'published' then
      redis.call('HSET', entry, 'looks', 0)
      redis.call('ZADD', spoken, 'NX', seconds(now), counted)
      redis.call('ZREMRANGEBYSCORE', spoken, '-inf', seconds(now - KEEP_S))
      redis.call('EXPIRE', spoken, KEEP_S)
    elseif not WAITS[state] and number('begun') == 0 then
      redis.call('ZREM', spoken, counted)  -- they heard nothing of it
    end
  end
  local awaited = field('awaited')
  if awaited and awaited ~= '' and OVER[state] and not (CONVERTS[state] and field('converts') == '1') then
    redis.call('ZREM', awaits, awaited)
  end
  note(state, reason, evidence)
end

local function full(state)
  if state == 'published' and redis.call('ZCARD', mailbox) >= MAX_WAITING then
    return 'mailbox full'
  elseif state == 'held' and redis.call('ZCARD', held) >= MAX_WAITING then
    return 'too many are held'
  end
end

local function refused()
  for _, purpose in ipairs({'*', field('purpose')}) do
    local said = redis.call('HGET', consent, purpose)
    if said and string.sub(said, 1, 15) == '{"agreed":false' then
      return true
    end
  end
  return false
end

-- It may not be said any more, and ends here: why.
local function ended()
  if number('expires') <= now then
    enter('expired', 'its time had passed', '{}')
    return 'expired'
  elseif refused() then
    enter('cancelled', 'they asked not to hear of ' .. field('purpose'), '{}')
    return 'consent'
  end
end

-- To the mailbox again, unless it is too late for that or was tried often enough.
local function release(reason, state)
  if number('expires') <= now then
    enter('expired', 'its time had passed', '{}')
  elseif state == 'speaking' and number('begun') >= number('attempts') then
    enter('dead', 'begun ' .. field('begun') .. ' times without being heard', '{}')
  else
    enter('published', reason, '{}')
  end
end

-- A lease ran out and was given up, but nobody has taken the prompt since: its holder goes on.
local function revive(epoch)
  local was = field('given_up')
  if field('state') ~= 'published' or not was or field('epoch') ~= epoch then
    return nil
  end
  redis.call('HDEL', entry, 'given_up')
  enter('reserved', 'its holder is there after all', '{}', now, field('held_by'))
  if was == 'speaking' then
    enter('speaking', 'its holder is there after all', '{}', now, field('held_by'))
  end
  return was
end

local ask = {}

-- document, state, reason, evidence, until, due, expires, attempts, purpose, rule, test, counted,
-- awaited, converts
function ask.open()
  if redis.call('EXISTS', entry) == 1 then
    return {'known', {}, '', ''}
  end
  local _, _, _, _, document, state, reason, evidence, till = unpack(ARGV)
  local names = {'due', 'expires', 'attempts', 'purpose', 'rule', 'test', 'counted', 'awaited', 'converts'}
  redis.call('HSET', entry, 'doc', document, 'epoch', 0, 'begun', 0)
  for i, name in ipairs(names) do
    redis.call('HSET', entry, name, ARGV[9 + i])
  end
  redis.call('ZADD', index, seconds(now), id)
  redis.call('ZREMRANGEBYSCORE', index, '-inf', seconds(now - KEEP_S))
  redis.call('EXPIRE', index, KEEP_S)
  local awaited = field('awaited')
  if awaited ~= '' then
    redis.call('ZADD', awaits, seconds(now), awaited)
    redis.call('ZREMRANGEBYRANK', awaits, 0, -1001)
    redis.call('EXPIRE', awaits, KEEP_S)
  end
  enter('matched', '', '{}')
  local why = full(state)
  if why then
    enter('suppressed', why, '{"check":' .. cjson.encode(why) .. '}')
  else
    enter(state, reason, evidence, tonumber(till))
  end
  return answer('done')
end

local CLAIMED = {reserved = true, speaking = true, heard = true, interrupted = true}

-- state, reason, evidence, until, states it may come from ("" for any, else ",a,b,")
function ask.move()
  local _, _, _, _, to, reason, evidence, till, from = unpack(ARGV)
  local state = field('state')
  if not state then return answer('gone') end
  if CLAIMED[to] or not ALLOWED[state][to]
    or (from ~= '' and not string.find(from, ',' .. state .. ',', 1, true)) then
    return answer('no')
  end
  if to == 'published' then
    if number('expires') <= now then
      enter('expired', 'its time had passed', '{}')
      return answer('expired')
    end
    if WAITS[state] and number('until') > now then return answer('no') end
  end
  local why = state ~= to and not WAITS[state] and full(to)
  if why then
    enter('suppressed', why, '{"check":' .. cjson.encode(why) .. '}')
    return answer('no')
  end
  enter(to, reason, evidence, tonumber(till))
  return answer('done')
end

-- holder, lease in seconds
function ask.reserve()
  local holder, lease = ARGV[5], tonumber(ARGV[6])
  local state = field('state')
  if not state then
    redis.call('ZREM', mailbox, id)
    return answer('gone')
  end
  if not WAITS[state] then return answer('over') end
  if state ~= 'published' and number('until') > now then return answer('taken') end
  local why = ended()
  if why then return answer(why) end
  if state ~= 'reserved' and number('begun') >= number('attempts') then
    enter('dead', 'begun ' .. field('begun') .. ' times without being heard', '{}')
    return answer('over')
  end
  local reason = ''
  if state ~= 'published' then reason = 'its holder ' .. field('holder') .. ' is gone' end
  local late = 0
  if field('away') and now - number('due') > AWAY_S then late = 1 end
  local epoch = redis.call('HINCRBY', entry, 'epoch', 1)
  redis.call('HDEL', entry, 'given_up')
  redis.call('HSET', entry, 'held_by', holder)
  local evidence = '{"epoch":' .. epoch .. ',"holder":' .. cjson.encode(holder) .. '}'
  enter('reserved', reason, evidence, now + lease, holder)
  return answer('done', epoch, number('begun'), late, redis.call('HGETALL', entry))
end

-- epoch, lease in seconds, evidence: an object
function ask.begin()
  local epoch, lease = ARGV[5], tonumber(ARGV[6])
  local state = field('state')
  if not state then return answer('gone') end
  if OVER[state] then return answer('over') end
  if (state ~= 'reserved' and state ~= 'speaking') or field('epoch') ~= epoch then
    return answer('taken')
  end
  local why = ended()
  if why then return answer(why) end
  local begun = redis.call('HINCRBY', entry, 'begun', 1)
  local evidence = '{"begun":' .. begun .. ',"epoch":' .. epoch
    .. (ARGV[7] ~= '{}' and ',' .. string.sub(ARGV[7], 2) or '}')
  if state == 'reserved' then
    enter('speaking', '', evidence, now + lease, field('holder'))
  else
    redis.call('HSET', entry, 'until', seconds(now + lease))
    note('speaking', 'begun again', evidence)
  end
  return answer('done')
end

-- epoch, lease in seconds
function ask.renew()
  local epoch, lease = ARGV[5], tonumber(ARGV[6])
  local state = field('state')
  if not (state == 'reserved' or state == 'speaking') or field('epoch') ~= epoch then
    if not revive(epoch) then return answer('taken') end
  end
  redis.call('HSET', entry, 'until', seconds(now + lease))
  return answer('done')
end

-- epoch, reason, "1" if its first sample did not flow although it was begun
function ask.give_back()
  local epoch, reason, unsaid = ARGV[5], ARGV[6], ARGV[7] == '1'
  local state = field('state')
  if not (state == 'reserved' or state == 'speaking') or field('epoch') ~= epoch then
    return answer('taken')
  end
  if unsaid and state == 'speaking' then
    redis.call('HINCRBY', entry, 'begun', -1)
  end
  release(reason, unsaid and 'reserved' or state)
  return answer('done')
end

function ask.give_up()
  local state = field('state')
  if not (state == 'reserved' or state == 'speaking') or number('until') > now then
    return answer('no')
  end
  release('its holder ' .. field('holder') .. ' is gone', state)
  redis.call('HSET', entry, 'given_up', state)
  return answer('done')
end

-- epoch, state, reason, evidence
function ask.report()
  local _, _, _, _, epoch, to, reason, evidence = unpack(ARGV)
  local state = field('state')
  if not state then return answer('gone') end
  if state == to and field('epoch') == epoch then
    return answer('done')  -- told twice
  end
  if state == 'published' and field('given_up') == 'speaking' and revive(epoch) then
    state = 'speaking'
  end
  if not (state == 'reserved' or state == 'speaking') or field('epoch') ~= epoch then
    note(state, 'too late: "' .. to .. '" was reported for epoch ' .. epoch, evidence)
    return answer('late')
  end
  if WAITS[to] or not ALLOWED[state][to] then return answer('no') end
  enter(to, reason, evidence)
  return answer('done')
end

-- Past its time it ends here. Returns also: how many seconds until it should be looked at again.
function ask.look()
  local state = field('state')
  if not state then
    redis.call('ZREM', mailbox, id)
    redis.call('ZREM', held, id)
    redis.call('ZREM', index, id)
    return answer('gone')
  end
  if OVER[state] then return answer('over') end
  local till, expires = number('until'), number('expires')
  local leased = state == 'reserved' or state == 'speaking'
  if leased and till > now then return answer('waits', seconds(till - now)) end
  if expires <= now then
    enter('expired', 'its time had passed', '{}')
    return answer('over')
  end
  if leased then return answer('lapsed', '1', state) end
  if state == 'held' then
    if till <= now then return answer('lapsed', '1', state) end
    return answer('waits', seconds(math.min(till, expires) - now))
  end
  local looks = redis.call('HINCRBY', entry, 'looks', 1)
  local pause = math.min(LOOK_S, 2 ^ math.min(looks, 16))
  return answer('lapsed', seconds(math.min(pause, expires - now)), state)
end

-- The prompt as it is, ended first if its time has passed.
function ask.see()
  local state = field('state')
  if not state then
    redis.call('ZREM', mailbox, id)
    redis.call('ZREM', held, id)
    return answer('gone')
  end
  local leased = (state == 'reserved' or state == 'speaking') and number('until') > now
  if not OVER[state] and not leased and number('expires') <= now then
    enter('expired', 'its time had passed', '{}')
  end
  return answer('done', redis.call('HGETALL', entry))
end

function ask.away()
  if field('state') ~= 'published' or number('due') > now or field('away') then
    return answer('no')
  end
  redis.call('HSET', entry, 'away', 1)
  note('published', 'they are not here', '{"away":true}')
  return answer('done')
end

return ask[what]()
