-- Runs the script in a fake Resolve for each case and prints what is there afterwards, as a line of JSON for each.
-- Arguments: the script, the fake, the file with the cases, the path of the hand-over.
-- A case has the fake's knobs and `jobs`: the hand-overs, one run for each; "" is a run without one.
local script, fake, cases, outbox = arg[1], dofile(arg[2]), dofile(arg[3]), arg[4]
local open, write, remove, load_file = io.open, io.write, os.remove, loadfile

local function text(value)
  return '"' .. (value:gsub('[%c"\\]', function(char) return ("\\u%04x"):format(char:byte()) end)) .. '"'
end

local function json(value)
  if type(value) == "string" then return text(value) end
  if type(value) ~= "table" then return tostring(value) end
  local parts = {}
  if #value > 0 or next(value) == nil then
    for _, each in ipairs(value) do parts[#parts + 1] = json(each) end
    return "[" .. table.concat(parts, ",") .. "]"
  end
  for key, each in pairs(value) do parts[#parts + 1] = text(tostring(key)) .. ":" .. json(each) end
  return "{" .. table.concat(parts, ",") .. "}"
end

local function facts(items)
  local found = {}
  for _, item in ipairs(items) do found[#found + 1] = item.facts end
  return found
end

local function markers(timeline)
  local found = {}
  for frame, marker in pairs(timeline.data.markers) do
    found[#found + 1] = { frame = frame, colour = marker.color, name = marker.name, note = marker.note,
      duration = marker.duration, data = marker.customData }
  end
  table.sort(found, function(one, other) return one.frame < other.frame end)
  return found
end

local function shown(state, said)
  local timelines, bins = {}, {}
  for _, timeline in ipairs(state.timelines) do
    timelines[#timelines + 1] = { name = timeline.data.name, rate = timeline.data.rate, bin = timeline.data.bin,
      video = facts(timeline.data.video), audio = facts(timeline.data.audio), markers = markers(timeline) }
  end
  for _, folder in ipairs({ state.root, unpack(state.root.folders) }) do
    local clips = {}
    for _, clip in ipairs(folder.clips) do clips[#clips + 1] = clip.path end
    bins[#bins + 1] = { name = folder.name, clips = clips }
  end
  return { timelines = timelines, bins = bins, said = said, current = state.current(),
    deletions = state.deletions }
end

local function copy(from)
  if from == "" then return remove(outbox) end
  local source, target = open(from, "rb"), open(outbox, "wb")
  target:write(source:read("*a"))
  source:close()
  target:close()
end

-- What the free edition may lack.
io, os, require, package, ffi, loadfile, loadstring, load = nil, nil, nil, nil, nil, nil, nil, nil
for _, case in ipairs(cases) do
  local made, state = fake(case)
  resolve = made
  local said = {}
  print = function(line) said[#said + 1] = line end
  for number, job in ipairs(case.jobs) do
    if number > 1 and case.forget then state.forget(case.forget) end
    copy(job)
    said = {}
    load_file(script)()
  end
  write(json(shown(state, said)), "\n")
end
