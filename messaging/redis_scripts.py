"""What the Redis Streams bus does atomically, in Lua.

KEYS[1] is always the topic's stream, "overture:bus:{TOPIC}"; all other keys begin with it, so
everything of a topic is in one slot. Beside the stream there are
  :delayed, :later      what is due later: its fields (a stream), and when (a sorted set)
  :nudge                a stream of one entry, whose change makes every consumer look again
  :to:INSTANCE          the stream of an instance (Delivery.OWNER)
and of each group (Delivery.ONCE)
  :lease:GROUP          sorted set of "ENTRY KEY" by the time (ms) at which the entry is to be
                        handled again: because its consumer died, or as the retries say
  :line:GROUP:KEY       list of entries of that key that are not handled yet, in order; only the
                        first has a lease
and of each group of any delivery
  :dead:GROUP           the dead letters, a stream
All times are Redis' own. Who handles an entry, and how often it was begun, is in the group's own
list of pending entries.
"""

_COMMON = """
local stream = KEYS[1]

local function clock()
  local t = redis.call('TIME')
  return t[1] * 1000 + math.floor(t[2] / 1000)
end

local function fields_of(entry)
  local found = {}
  for i = 1, #entry[2], 2 do found[entry[2][i]] = entry[2][i + 1] end
  return found
end

local function nudge()
  redis.call('XADD', stream .. ':nudge', 'MAXLEN', 1, '*', 'look', 'again')
end

local function put(fields)
  local of = fields_of({0, fields})
  if of['owner'] then
    local own = stream .. ':to:' .. of['owner']
    redis.call('XADD', own, 'MAXLEN', '~', 1000, '*', unpack(fields))
    redis.call('EXPIRE', own, 3600)
  else
    redis.call('XADD', stream, '*', unpack(fields))
  end
end
"""

_GROUP = (
    _COMMON
    + """
local group, consumer, handling = ARGV[1], ARGV[2], tonumber(ARGV[3])
local leases = stream .. ':lease:' .. ARGV[4]
local lines = stream .. ':line:' .. ARGV[4] .. ':'

local function lease(id, key, at)
  redis.call('ZADD', leases, at, id .. ' ' .. key)
end

-- The entry needs no more handling. Returns the next of its key, which has no lease yet.
local function finish(id, key)
  redis.call('XACK', stream, group, id)
  redis.call('ZREM', leases, id .. ' ' .. key)
  if key == '' then return nil end
  local line = lines .. key
  if redis.call('LINDEX', line, 0) ~= id then return nil end
  redis.call('LPOP', line)
  return redis.call('LINDEX', line, 0) or nil
end

-- Finishes, and gives the next of the key to this consumer, or to any.
local function finish_and_pass_on(id, key, keep)
  local following = finish(id, key)
  if not following then return nil end
  if keep == '1' then
    local entry = redis.call(
      'XCLAIM', stream, group, consumer, 0, following, 'RETRYCOUNT', 1)[1]
    if entry then
      lease(following, key, clock() + handling)
      return {entry[1], 1, entry[2]}
    end
  end
  lease(following, key, clock())
  nudge()
  return nil
end
"""
)

PUBLISH = (
    _COMMON
    + """
-- ARGV: most entries, delay (ms), then the fields. Returns 1, or 0 if it is full.
local most, delay = tonumber(ARGV[1]), tonumber(ARGV[2])
local fields = {unpack(ARGV, 3)}
if delay > 0 then
  if redis.call('ZCARD', stream .. ':later') >= most then return 0 end
  local id = redis.call('XADD', stream .. ':delayed', '*', unpack(fields))
  redis.call('ZADD', stream .. ':later', clock() + delay, id)
  nudge()
  return 1
end
if redis.call('XLEN', stream) >= most and not fields_of({0, fields})['owner'] then
  return 0
end
put(fields)
return 1
"""
)

TRIM = (
    _COMMON
    + """
-- Removes what every group has handled. ARGV: how long handled entries stay (ms), "" for not
-- at all; how many stay if there is no group and no time. Returns how many are left, and the group
-- that holds the oldest ("" for none).
local limit = '+'
local slowest = ''
local function before(a, b)
  if b == '+' then return true end
  local ams, an = string.match(a, '(%d+)-(%d+)')
  local bms, bn = string.match(b, '(%d+)-(%d+)')
  ams, an, bms, bn = tonumber(ams), tonumber(an), tonumber(bms), tonumber(bn)
  return ams < bms or (ams == bms and an < bn)
end
if redis.call('EXISTS', stream) == 0 then return {0, ''} end
for _, info in ipairs(redis.call('XINFO', 'GROUPS', stream)) do
  local of = {}
  for i = 1, #info, 2 do of[info[i]] = info[i + 1] end
  local needed = of['last-delivered-id']
  if of['pending'] > 0 then needed = redis.call('XPENDING', stream, of['name'])[2] end
  if before(needed, limit) then limit, slowest = needed, of['name'] end
end
if ARGV[1] ~= '' then
  local recent = string.format('%.0f-0', clock() - tonumber(ARGV[1]))
  if before(recent, limit) then limit = recent end
end
if limit == '+' then
  redis.call('XTRIM', stream, 'MAXLEN', tonumber(ARGV[2]))
else
  redis.call('XTRIM', stream, 'MINID', limit)
end
return {redis.call('XLEN', stream), slowest}
"""
)

_MOVE_DUE = """
local function move_due()
  local later = stream .. ':later'
  for _, id in ipairs(redis.call('ZRANGEBYSCORE', later, '-inf', clock(), 'LIMIT', 0, 100)) do
    local entry = redis.call('XRANGE', stream .. ':delayed', id, id)[1]
    if entry then put(entry[2]) end
    redis.call('XDEL', stream .. ':delayed', id)
    redis.call('ZREM', later, id)
  end
  local first = redis.call('ZRANGE', later, 0, 0, 'WITHSCORES')
  return tonumber(first[2] or 0)
end
"""

MOVE_DUE = (
    _COMMON
    + _MOVE_DUE
    + """
-- Publishes what is due. Returns in how many ms the next is, -1 for none.
local due = move_due()
if due == 0 then return -1 end
return math.max(0, due - clock())
"""
)

TAKE = (
    _GROUP
    + _MOVE_DUE
    + """
-- ARGV[5]: how many at most. Returns entries to be handled now ({id, attempt, fields}), in how
-- many ms it should look again (-1: no need), whether there may be more now, and the entry up to
-- which everything was taken by the group.
local count = tonumber(ARGV[5])
local taken = {}
local again = move_due()
local now = clock()

for _, leased in ipairs(redis.call('ZRANGEBYSCORE', leases, '-inf', now, 'LIMIT', 0, count)) do
  local space = string.find(leased, ' ', 1, true)
  local id, key = string.sub(leased, 1, space - 1), string.sub(leased, space + 1)
  local entry = redis.call('XCLAIM', stream, group, consumer, 0, id)[1]
  if entry then
    lease(id, key, now + handling)
    local pending = redis.call('XPENDING', stream, group, id, id, 1)[1]
    taken[#taken + 1] = {entry[1], pending and pending[4] or 1, entry[2]}
  else  -- somebody removed it from the stream
    local following = finish(id, key)
    if following then lease(following, key, clock()) end
  end
end

local room = count - #taken
local more = #taken == count and 1 or 0
if room > 0 then
  local read = redis.pcall(
    'XREADGROUP', 'GROUP', group, consumer, 'COUNT', room, 'STREAMS', stream, '>')
  if read and read.err then
    if not string.find(read.err, 'NOGROUP', 1, true) then return read end
    -- Redis lost what it had, or somebody removed the group: everything that is there is new.
    redis.call('XGROUP', 'CREATE', stream, group, 0, 'MKSTREAM')
    read = redis.call(
      'XREADGROUP', 'GROUP', group, consumer, 'COUNT', room, 'STREAMS', stream, '>')
  end
  local entries = read and read[1] and read[1][2] or {}
  more = #entries == room and 1 or 0
  for _, entry in ipairs(entries) do
    local id, of = entry[1], fields_of(entry)
    local key = of['key'] or ''
    if of['for'] and of['for'] ~= '' and of['for'] ~= group then
      redis.call('XACK', stream, group, id)
    else
      local first = true
      if key ~= '' then
        first = redis.call('RPUSH', lines .. key, id) == 1
        if not first then
          -- The head of a line always has a lease; should it have lost it, it gets one.
          redis.call('ZADD', leases, 'NX', now + handling,
            redis.call('LINDEX', lines .. key, 0) .. ' ' .. key)
        end
      end
      if first then
        lease(id, key, now + handling)
        taken[#taken + 1] = {id, 1, entry[2]}
      end
    end
  end
end

local first = redis.call('ZRANGE', leases, 0, 0, 'WITHSCORES')[2]
if first and (again == 0 or tonumber(first) < again) then again = tonumber(first) end
local reached = '0-0'
for _, info in ipairs(redis.call('XINFO', 'GROUPS', stream)) do
  local of = {}
  for i = 1, #info, 2 do of[info[i]] = info[i + 1] end
  if of['name'] == group then reached = of['last-delivered-id'] end
end
return {taken, again == 0 and -1 or math.max(0, again - now), more, reached}
"""
)

DONE = (
    _GROUP
    + """
-- ARGV[5], [6]: the entry and its key; [7]: "1" if this consumer takes the next of the key, which
-- is returned.
return finish_and_pass_on(ARGV[5], ARGV[6], ARGV[7])
"""
)

AGAIN = (
    _GROUP
    + """
-- ARGV[5], [6]: the entry and its key; [7]: in how many ms. Every consumer looks when that is.
-- Nothing happens if another consumer has it meanwhile.
local pending = redis.call('XPENDING', stream, group, ARGV[5], ARGV[5], 1)[1]
if not pending or pending[2] ~= consumer then return nil end
lease(ARGV[5], ARGV[6], clock() + tonumber(ARGV[7]))
nudge()
return nil
"""
)

DEAD = (
    _GROUP
    + """
-- ARGV[5], [6], [7]: as DONE; [8]: most letters; then the fields of the letter
local pending = redis.call('XPENDING', stream, group, ARGV[5], ARGV[5], 1)[1]
if not pending or pending[2] ~= consumer then return nil end
redis.call('XADD', stream .. ':dead:' .. ARGV[4], 'MAXLEN', '~', ARGV[8], '*', unpack(ARGV, 9))
return finish_and_pass_on(ARGV[5], ARGV[6], ARGV[7])
"""
)

RESEND = (
    _COMMON
    + """
-- ARGV: the dead letters' key, the letter, the group. Returns 1, or 0 if there is none.
local entry = redis.call('XRANGE', ARGV[1], ARGV[2], ARGV[2])[1]
if not entry then return 0 end
local fields = {'for', ARGV[3]}
for i = 1, #entry[2], 2 do
  local name = entry[2][i]
  if name ~= 'for' and name ~= 'reason' and name ~= 'attempt' then
    fields[#fields + 1] = name
    fields[#fields + 1] = entry[2][i + 1]
  end
end
put(fields)
redis.call('XDEL', ARGV[1], ARGV[2])
return 1
"""
)

SWEEP = (
    _GROUP
    + """
-- Forgets consumers that hold nothing and were not seen for ARGV[5] ms.
for _, info in ipairs(redis.call('XINFO', 'CONSUMERS', stream, group)) do
  local of = {}
  for i = 1, #info, 2 do of[info[i]] = info[i + 1] end
  if of['pending'] == 0 and of['idle'] > tonumber(ARGV[5]) and of['name'] ~= consumer then
    redis.call('XGROUP', 'DELCONSUMER', stream, group, of['name'])
  end
end
return nil
"""
)
