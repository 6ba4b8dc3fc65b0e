-- KEYS: the value, the claim of a load. ARGV: the value, its life in milliseconds.
-- The former value goes first: it is out of date, also where memory is full and the new one finds no room.
redis.call('UNLINK', KEYS[1], KEYS[2])
redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
