-- TimeRefine for DaVinci Resolve, free and Studio: puts the moments that TimeRefine sent into the open project.
-- Run it with Workspace > Scripts > TimeRefine, or in Workspace > Console (Lua): dofile("the path of this file")
--
-- Plain Lua 5.1. The free edition may have no io, os, require, package or ffi, so nothing here uses them.
-- Frames come from the hand-over and are only added and subtracted. What Resolve does with them has changed between
-- versions: the script asks where it can, reads back every length that it placed, and says what differs.

local OUTBOX = "@OUTBOX@" -- the installed copy has the path of the hand-over here

local SCHEMA = 1
local BIN = "TimeRefine"
local MARKER_DATA = "timerefine:%s:%d-%d" -- the moment's id and the frames of its cut
local MARKER_PATTERN = "^timerefine:(%x+):(%d+%-%d+)$"
local NAMES_TRIED = 99
local DELETIONS_TRIED = 3 -- one may fail

local function say(text)
  print("TimeRefine: " .. text)
end

-- What an object answers; nil if it has no such method in this version.
local function ask(object, method, ...)
  if object and object[method] then return object[method](object, ...) end
  return nil
end

local function list(object, method, ...)
  return ask(object, method, ...) or {}
end

-- The number in a setting such as "29.97", "29.97 DF" or 29.97; nil if there is none.
local function number_of(setting)
  return tonumber((tostring(setting):gsub("[^%d%.]", "")))
end

local function is_rate(setting, rate_name)
  local got, wanted = number_of(setting), number_of(rate_name)
  return got ~= nil and got - wanted < 0.01 and wanted - got < 0.01
end

-- The media pool

-- Windows takes either slash and either case.
local function path_key(path)
  if path:match("^%a:[/\\]") or path:match("^\\\\") then return (path:gsub("/", "\\"):lower()) end
  return path
end

local function add_clips(folder, clips)
  for _, clip in ipairs(list(folder, "GetClipList")) do
    local path = ask(clip, "GetClipProperty", "File Path")
    if path and path ~= "" then clips[path_key(path)] = clips[path_key(path)] or clip end
  end
  for _, inner in ipairs(list(folder, "GetSubFolderList")) do add_clips(inner, clips) end
  return clips
end

local function clip_among(clips, moment)
  if clips[path_key(moment.media)] then return clips[path_key(moment.media)] end
  for _, spelling in ipairs(moment.other_spellings) do
    if clips[path_key(spelling)] then return clips[path_key(spelling)] end
  end
  return nil
end

-- The clip of the moment's file: the one in the pool, or else imported into our bin. nil if it can't be imported.
local function clip_of(pool, bin, clips, moment)
  local clip = clip_among(clips, moment)
  if not clip then
    pool:SetCurrentFolder(bin) -- ImportMedia puts clips into the current bin
    clip = list(pool, "ImportMedia", { moment.media })[1] or clip_among(add_clips(pool:GetRootFolder(), {}), moment)
    clips[path_key(moment.media)] = clip
  end
  return clip
end

local function our_bin(pool)
  local root = pool:GetRootFolder()
  for _, folder in ipairs(list(root, "GetSubFolderList")) do
    if folder:GetName() == BIN then return folder end
  end
  return pool:AddSubFolder(root, BIN) or root
end

-- Timelines

local function timelines_of(project)
  local found = {}
  for number = 1, ask(project, "GetTimelineCount") or 0 do found[#found + 1] = project:GetTimelineByIndex(number) end
  return found
end

-- What earlier hand-overs left in the project: timelines by moment, and by moment with its cut.
local function placed_before(project)
  local moments, cuts = {}, {}
  for _, timeline in ipairs(timelines_of(project)) do
    for _, marker in pairs(list(timeline, "GetMarkers")) do
      local id, cut = tostring(marker.customData):match(MARKER_PATTERN)
      if id then moments[id], cuts[id .. cut] = timeline, timeline end
    end
  end
  return moments, cuts
end

-- A new timeline, which is the current one; nil and the reason if Resolve makes none.
local function new_timeline(project, pool, bin, name)
  local taken = {}
  for _, timeline in ipairs(timelines_of(project)) do taken[timeline:GetName()] = true end
  pool:SetCurrentFolder(bin)
  for number = 1, NAMES_TRIED do
    local free = number == 1 and name or (name .. " " .. number)
    local timeline = not taken[free] and pool:CreateEmptyTimeline(free) -- nil if something else has the name
    if timeline then
      project:SetCurrentTimeline(timeline)
      -- Clips are appended to the current timeline. It must never be one of the user's own.
      if ask(ask(project, "GetCurrentTimeline"), "GetName") == free then return timeline end
      pool:DeleteTimelines({ timeline })
      return nil, "Resolve doesn't open the new timeline \"" .. free .. "\""
    end
  end
  return nil, "Resolve makes no timeline called \"" .. name .. "\""
end

local function has_rate(timeline, rate_name)
  if is_rate(timeline:GetSetting("timelineFrameRate"), rate_name) then return true end
  timeline:SetSetting("useCustomSettings", "1")
  timeline:SetSetting("timelineFrameRate", rate_name)
  return is_rate(timeline:GetSetting("timelineFrameRate"), rate_name)
end

local function count_clips(timeline)
  return #list(timeline, "GetItemListInTrack", "video", 1)
end

-- Take an item off our timeline again, with the sound that came along; whether it is gone.
local function take_away(timeline, item, clips_before)
  for _ = 1, DELETIONS_TRIED do
    local away = { item }
    for track = 1, ask(timeline, "GetTrackCount", "audio") or 0 do
      for _, sound in ipairs(list(timeline, "GetItemListInTrack", "audio", track)) do
        if sound:GetStart() == item:GetStart() then away[#away + 1] = sound end
      end
    end
    timeline:DeleteClips(away, false)
    if count_clips(timeline) == clips_before then return true end
  end
  return false
end

-- Append the cut at frame `record`; whether it is there, or false and the reason.
-- `endFrame` is the last frame in Resolve 19.1 and the one after it in 18.6, 20 and 21. Nothing says which, so the
-- length of what was placed decides; `learned.counts_end` remembers it for the next cut.
local function append(pool, timeline, clip, moment, record, learned)
  local wanted, why = moment.out_frame - moment.in_frame, "Resolve placed nothing"
  for _, counts_end in ipairs({ learned.counts_end, not learned.counts_end }) do
    local before = count_clips(timeline)
    local item = list(pool, "AppendToTimeline", { {
      mediaPoolItem = clip,
      startFrame = moment.in_frame,
      endFrame = moment.out_frame - (counts_end and 1 or 0),
      recordFrame = record, -- absolute, unlike the frames of markers
      trackIndex = 1,
    } })[1]
    if item and count_clips(timeline) == before + 1 then -- an item that was dropped is returned as well
      local length, start = item:GetDuration(), item:GetStart()
      if length == wanted and start == record then
        learned.counts_end = counts_end
        return true
      end
      why = ("Resolve placed %s frames at %s instead of %d at %d"):format(
        tostring(length), tostring(start), wanted, record)
      if not take_away(timeline, item, before) then return false, why .. ", and they can't be removed" end
    end
  end
  return false, why
end

local function colour_of(name)
  return (name:gsub("^%l", function(letter) return letter:upper() end))
end

-- The marker of the moment and the editor's own within the cut; how many were refused. at: the cut's first frame,
-- counted from the timeline's start.
local function add_markers(timeline, moment, at)
  local refused = 0
  local function add(frame, colour, name, note, length, data)
    if not timeline:AddMarker(at + frame - moment.in_frame, colour_of(colour), name, note, length, data) then
      refused = refused + 1
    end
  end
  local data = MARKER_DATA:format(moment.id, moment.in_frame, moment.out_frame)
  add(moment.start_frame, moment.colour, moment.name, moment.note, moment.end_frame - moment.start_frame, data)
  for _, marker in ipairs(moment.markers) do add(marker.frame, marker.colour, marker.name, "", 1, "") end
  return refused
end

-- The hand-over

-- Place `moments`, which share a rate, on a new timeline. How many landed.
local function place(project, pool, bin, clips, name, moments, learned, tell)
  local rate_name = moments[1].rate_name
  local timeline, why = new_timeline(project, pool, bin, name)
  if not timeline then
    tell(why .. ". Close any open dialog and run the script again")
    return 0
  end
  if not has_rate(timeline, rate_name) then
    tell(("the timeline runs at %s frames a second, not %s, and Resolve doesn't change that. Set the rate of a new "
      .. "project to %s (Project Settings > Master Settings) and run the script there"):format(
      tostring(timeline:GetSetting("timelineFrameRate")), rate_name, rate_name))
    pool:DeleteTimelines({ timeline })
    return 0
  end
  local start = timeline:GetStartFrame()
  local record, done, refused, checked = start, 0, 0, {}
  for _, moment in ipairs(moments) do
    local clip = clip_of(pool, bin, clips, moment)
    local is_there, reason = false, "can't be imported: is its drive connected?"
    if clip then
      local fps = ask(clip, "GetClipProperty", "FPS")
      if not checked[clip] and number_of(fps) and not is_rate(fps, rate_name) then
        tell(("%s runs at %s frames a second in Resolve, not %s: check its cuts"):format(
          moment.media, tostring(fps), rate_name))
      end
      checked[clip] = true
      is_there, reason = append(pool, timeline, clip, moment, record, learned)
    end
    if is_there then
      refused = refused + add_markers(timeline, moment, record - start)
      record, done = record + moment.out_frame - moment.in_frame, done + 1
    else
      tell(("\"%s\" in %s: %s"):format(moment.name, moment.media, reason))
    end
  end
  if refused > 0 then tell(("Resolve refused %d markers: there may be one at the same frame"):format(refused)) end
  -- What Resolve says that it placed isn't proof; and if a dialog makes every call fail, nothing can be read back.
  local there = count_clips(timeline)
  if not timeline:GetStartFrame() then error("it stopped answering", 0) end
  if there ~= done then tell(("\"%s\" has %d clips instead of %d"):format(timeline:GetName(), there, done)) end
  if done == 0 and there == 0 then
    pool:DeleteTimelines({ timeline })
  else
    say(("\"%s\": %d of %d moments placed"):format(timeline:GetName(), done, #moments))
  end
  return done
end

-- The moments that aren't in the project yet, by rate. Those that are there with the same cut are left out, and said.
local function new_moments(project, job, tell)
  local moments_before, cuts_before = placed_before(project)
  local by_rate, rates, new, known = {}, {}, 0, {}
  for _, moment in ipairs(job.moments) do
    local there = cuts_before[("%s%d-%d"):format(moment.id, moment.in_frame, moment.out_frame)]
    if there then
      known[#known + 1] = there
    else
      local before = moments_before[moment.id]
      if before then
        tell(("\"%s\" has another cut than before: the earlier one stays on \"%s\""):format(
          moment.name, before:GetName()))
      end
      if not by_rate[moment.rate_name] then
        by_rate[moment.rate_name], rates[#rates + 1] = {}, moment.rate_name
      end
      table.insert(by_rate[moment.rate_name], moment)
      new = new + 1
    end
  end
  return by_rate, rates, new, known
end

local function hand_over(resolve_app, job, tell)
  local project = ask(ask(resolve_app, "GetProjectManager"), "GetCurrentProject")
  if not project then return say("open a project first, close any open dialog, and run the script again") end
  local pool = ask(project, "GetMediaPool")
  if not ask(pool, "GetRootFolder") then
    return say("Resolve doesn't answer. Close any open dialog and run the script again")
  end
  if ask(resolve_app, "GetCurrentPage") ~= "edit" then ask(resolve_app, "OpenPage", "edit") end -- DeleteClips needs it

  local by_rate, rates, new, known = new_moments(project, job, tell)
  if new > 0 then
    local bin, done = our_bin(pool), 0
    local clips, learned = add_clips(pool:GetRootFolder(), {}), { counts_end = false }
    local title = job.name ~= "" and job.name or BIN
    for _, rate_name in ipairs(rates) do
      local name = #rates == 1 and title or (title .. " " .. rate_name)
      done = done + place(project, pool, bin, clips, name, by_rate[rate_name], learned, tell)
    end
    say(("%d of %d moments placed"):format(done, new))
  end
  if #known > 0 then
    say(("%d of %d moments are in the project already, on \"%s\", and were not placed again. To get them again, delete "
      .. "their markers or that timeline"):format(#known, #job.moments, known[1]:GetName()))
    if new == 0 then project:SetCurrentTimeline(known[1]) end
  end
end

local function main(tell)
  local resolve_app = resolve or (Resolve and Resolve()) or (bmd and bmd.scriptapp("Resolve"))
  if not resolve_app then return say("run this script inside DaVinci Resolve") end
  say(("%s %s"):format(
    tostring(ask(resolve_app, "GetProductName")), tostring(ask(resolve_app, "GetVersionString"))))
  local is_read, job = pcall(dofile, OUTBOX)
  if not is_read then
    return say("there is no hand-over yet. Use File > Send to Resolve in TimeRefine first (" .. tostring(job) .. ")")
  end
  if type(job) ~= "table" or job.schema ~= SCHEMA then
    return say("this script is older or newer than TimeRefine. Install it again: tr-desktop plugins install resolve")
  end
  hand_over(resolve_app, job, tell)
end

local problems = {}
local is_done, why = pcall(main, function(text) problems[#problems + 1] = text end)
for _, problem in ipairs(problems) do say(problem) end
if not is_done then
  say("stopped, since Resolve didn't answer as expected (" .. tostring(why)
    .. "). Close any open dialog, delete the new timeline, and run the script again")
end
