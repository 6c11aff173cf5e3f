-- wrk's script: headers from a file, optional POST bodies with unique names, figures as JSON.
-- arguments: <headers file> [<namespace> <bytes of data>]
local thread_count = 0

function setup(thread)
  thread:set("id", thread_count)
  thread_count = thread_count + 1
end

function init(args)
  local headers = {}
  for line in io.lines(args[1]) do
    local name, value = line:match("^([^:]+): (.*)$")
    headers[name] = value
  end
  wrk.headers = headers
  if args[2] then
    local path = "/api/v1/namespaces/" .. args[2] .. "/configmaps"
    local data = string.rep("x", tonumber(args[3]))
    local count, run = 0, args[4]
    wrk.headers["Content-Type"] = "application/json"
    request = function()
      count = count + 1
      local name = string.format("load-%s-%d-%d", run, id, count)
      local body = '{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"' .. name ..
        '"},"data":{"value":"' .. data .. '"}}'
      return wrk.format("POST", path, nil, body)
    end
  end
end

function done(summary, latency, requests)
  local errors = summary.errors
  io.write(string.format(
    '\nLOAD {"requests":%d,"duration_us":%d,"p50_us":%d,"p99_us":%d,"failed":%d}\n',
    summary.requests, summary.duration, latency:percentile(50), latency:percentile(99),
    errors.connect + errors.read + errors.write + errors.status + errors.timeout))
end
