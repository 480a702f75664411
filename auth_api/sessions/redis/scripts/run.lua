-- Which run of the store this is: the start of the replication id. A server takes a new one when it starts as a primary and when it
-- becomes one, so data that a restart or a failover has put back comes from another run (decisions/0009).
-- ARGV, last: the run to which the caller's connection leads, or '?' if the caller does not know: then the server is asked.
-- run is '' at a server that is not a primary: nothing there counts as of this run.
local RUN_LENGTH = 12
local run = ARGV[#ARGV]
if run == '?' then
  local info = redis.call('INFO', 'replication')
  local _, last = info:find('master_replid:', 1, true)
  run = info:find('role:master', 1, true) and info:sub(last + 1, last + RUN_LENGTH) or ''
end
