-- For each request to an app, asks Gatehouse who is signed in (haproxy.cfg: `http-request lua.gatehouse NAME`).

local VERIFY = "http://127.0.0.1:8000/auth/verify?audience="
local TIMEOUT = 10000 -- milliseconds
local IDENTITY = {
  "gatehouse-user-id", "gatehouse-user-email", "gatehouse-user-name", "gatehouse-user-groups", "gatehouse-session",
  "gatehouse-identity", "gatehouse-acr", "gatehouse-amr", "gatehouse-auth-time",
}
local FROM_ANSWER = {
  "location", "content-type", "cache-control", "retry-after", "set-cookie", "vary", "content-security-policy",
  "x-content-type-options", "x-frame-options", "referrer-policy",
}

local function question(txn)
  local headers = txn.http:req_get_headers()
  for _, name in ipairs({ "content-length", "transfer-encoding", "expect", "connection", "upgrade" }) do
    headers[name] = nil
  end
  local asked = {}
  for name, values in pairs(headers) do
    asked[name] = {}
    for at = 0, #values do asked[name][at + 1] = values[at] end
  end
  asked["x-forwarded-method"] = { txn.f:method() }
  asked["x-forwarded-uri"] = { txn.f:pathq() }
  return asked
end

local function refuse(txn, status, answer)
  local reply = txn:reply({ status = status, body = answer and answer.body or "" })
  for _, name in ipairs(FROM_ANSWER) do
    for _, value in pairs(answer and answer.headers[name] or {}) do reply:add_header(name, value) end
  end
  txn:done(reply)
end

core.register_action("gatehouse", { "http-req" }, function(txn, audience)
  local answer = core.httpclient():get({ url = VERIFY .. audience, headers = question(txn), timeout = TIMEOUT })
  if not answer or answer.status == 0 then return refuse(txn, 503) end
  if answer.status < 200 or answer.status > 299 then return refuse(txn, answer.status, answer) end
  for _, name in ipairs(IDENTITY) do
    local value = answer.headers[name] and answer.headers[name][0] or ""
    if value ~= "" then txn.http:req_set_header(name, value) end -- haproxy.cfg removed the browser's
  end
  -- The app gets the cookies that Gatehouse returns, without the session cookie, or none at all.
  txn.http:req_del_header("cookie")
  local cookie = answer.headers["cookie"] and answer.headers["cookie"][0] or ""
  if cookie ~= "" then txn.http:req_set_header("cookie", cookie) end
end, 1)
