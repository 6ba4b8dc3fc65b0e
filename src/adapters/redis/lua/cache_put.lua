-- KEYS: the value, the claim of a load. ARGV: the value, its life in milliseconds.
-- What takes room comes first: once a script has written anything, a server that is full refuses it nothing more.
redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
redis.call('UNLINK', KEYS[2])
