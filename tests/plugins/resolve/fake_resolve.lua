-- A DaVinci Resolve to test against: what its scripting interface does, as others have measured it, with a switch
-- (`knobs`) for everything that differs between versions or isn't known.
--   media             list of {path, shown, frames, fps, sound}; shown: what "File Path" says
--   counts_end        endFrame is the last frame (19.1), otherwise the one after it (18.6, 20, 21)
--   past_end          what an append beyond the file's end does: "clamps", "refuses" or "allows"
--   project_rate      the rate of new timelines; custom_rate_works: a timeline can have a rate of its own
--   rate_style        how a rate is told: "text" (29.97), "df" (29.97 DF) or "number"
--   start             the first frame of a timeline: 0, 86400, 107892 …
--   taken             names that a timeline can't have; no_project; other_current: a new timeline isn't opened
--   delete_fails      how many times DeleteClips does nothing; drops: appends (by number) that place nothing
--   marker_fails      AddMarker always refuses; modal_after: calls after which a dialog makes every call fail
local RATES = { 16, 18, 23.976, 24, 25, 29.97, 30, 47.952, 48, 50, 59.94, 60, 72, 95.904, 96, 100, 119.88, 120 }
local COLOURS = { Blue = 1, Cyan = 1, Green = 1, Yellow = 1, Red = 1, Pink = 1, Purple = 1, Fuchsia = 1, Rose = 1,
  Lavender = 1, Sky = 1, Mint = 1, Lemon = 1, Sand = 1, Cocoa = 1, Cream = 1 }

local function is_whole(number) return type(number) == "number" and number == math.floor(number) end

return function(knobs)
  local calls, appends, deletions_failed = 0, 0, 0
  local state = { timelines = {}, page = "media", deletions = 0 }

  local function object(methods)
    for name, method in pairs(methods) do
      methods[name] = function(...)
        calls = calls + 1
        if knobs.modal_after and calls > knobs.modal_after then return nil end
        return method(...)
      end
    end
    return methods
  end

  local function folder(name)
    local clips, folders = {}, {}
    local made = object({
      GetName = function() return name end,
      GetClipList = function() return clips end,
      GetSubFolderList = function() return folders end,
    })
    made.name, made.clips, made.folders = name, clips, folders
    return made
  end

  local root = folder("Master")
  local current, current_timeline = root, nil
  state.root = root

  local function clip_of(media)
    local clip = object({ GetClipProperty = function(_, key)
      return ({ ["File Path"] = media.shown or media.path, FPS = media.fps })[key] or ""
    end })
    clip.media, clip.path = media, media.path
    return clip
  end

  local function timeline_of(name)
    local settings = { useCustomSettings = "0", timelineFrameRate = knobs.project_rate }
    local data = { name = name, start = knobs.start, video = {}, audio = {}, markers = {}, bin = current.name }
    local made = object({
      GetName = function() return name end,
      GetStartFrame = function() return knobs.start end,
      GetSetting = function(_, key)
        if key ~= "timelineFrameRate" then return settings[key] end
        local rate = settings[key]
        return knobs.rate_style == "number" and tonumber(rate) or knobs.rate_style == "df" and rate .. " DF" or rate
      end,
      SetSetting = function(_, key, value)
        if key == "timelineFrameRate" then
          if not knobs.custom_rate_works or settings.useCustomSettings ~= "1" then return false end
          local is_known = false
          for _, rate in ipairs(RATES) do is_known = is_known or rate == tonumber(value) end
          if not is_known then return false end
        end
        settings[key] = value
        data.rate = settings.timelineFrameRate
        return true
      end,
      GetTrackCount = function() return 1 end,
      GetItemListInTrack = function(_, kind, track) return track == 1 and data[kind] or nil end,
      GetMarkers = function()
        local found = {}
        for frame, marker in pairs(data.markers) do found[frame] = marker end
        return found
      end,
      AddMarker = function(_, frame, colour, label, note, duration, custom)
        if knobs.marker_fails or not (is_whole(frame) and is_whole(duration)) or frame < 0 or duration < 1
          or not COLOURS[colour] or data.markers[frame] then return false end
        data.markers[frame] = { color = colour, name = label, note = note, duration = duration, customData = custom }
        return true
      end,
      DeleteClips = function(_, items)
        state.deletions = state.deletions + 1
        if state.page ~= "edit" then return false end
        if deletions_failed < (knobs.delete_fails or 0) then
          deletions_failed = deletions_failed + 1
          return false
        end
        for _, gone in ipairs(items) do
          for _, kind in ipairs({ "video", "audio" }) do
            for place = #data[kind], 1, -1 do
              if data[kind][place] == gone then table.remove(data[kind], place) end
            end
          end
        end
        return true
      end,
    })
    made.data, data.rate = data, knobs.project_rate
    return made
  end

  -- The item that an append makes, or nil if the numbers aren't taken.
  local function item_of(info, timeline)
    if not (is_whole(info.startFrame) and is_whole(info.endFrame) and is_whole(info.recordFrame)) then return nil end
    local media = info.mediaPoolItem.media
    local source_end = info.endFrame + (knobs.counts_end and 1 or 0)
    if source_end > media.frames and knobs.past_end == "refuses" then return nil end
    if source_end > media.frames and knobs.past_end == "clamps" then source_end = media.frames end
    if source_end <= info.startFrame or info.startFrame < 0 then return nil end
    local length = source_end - info.startFrame
    local rate, fps = tonumber(timeline.data.rate), tonumber(media.fps)
    if math.abs(rate - fps) > 0.001 then length = math.floor(length * rate / fps) end
    local function item(kind)
      return object({
        GetDuration = function() return length end,
        GetStart = function() return info.recordFrame end,
      }), { kind = kind, media = media.path, from = info.startFrame, to = source_end, start = info.recordFrame,
        length = length }
    end
    return item
  end

  local pool = object({
    GetRootFolder = function() return root end,
    SetCurrentFolder = function(_, wanted) current = wanted return true end,
    AddSubFolder = function(_, parent, name)
      local made = folder(name)
      table.insert(parent.folders, made)
      current = made
      return made
    end,
    ImportMedia = function(_, paths)
      local made = {}
      for _, path in ipairs(paths) do
        for _, media in ipairs(knobs.media) do
          if media.path == path then
            made[#made + 1] = clip_of(media)
            table.insert(current.clips, made[#made])
          end
        end
      end
      return made
    end,
    CreateEmptyTimeline = function(_, name)
      for _, timeline in ipairs(state.timelines) do if timeline.data.name == name then return nil end end
      for _, taken in ipairs(knobs.taken or {}) do if taken == name then return nil end end
      local made = timeline_of(name)
      table.insert(state.timelines, made)
      if not knobs.other_current then current_timeline = made end
      return made
    end,
    DeleteTimelines = function(_, gone)
      for place = #state.timelines, 1, -1 do
        if state.timelines[place] == gone[1] then table.remove(state.timelines, place) end
      end
      if current_timeline == gone[1] then current_timeline = state.timelines[1] end
      return true
    end,
    AppendToTimeline = function(_, infos)
      local made = {}
      for _, info in ipairs(infos) do
        appends = appends + 1
        local item = item_of(info, current_timeline)
        if not item then return nil end -- one wrong number, and nothing of the batch is placed
        local video, facts = item("video")
        video.facts = facts
        local is_free = true
        for _, other in ipairs(current_timeline.data.video) do
          local apart = facts.start >= other.facts.start + other.facts.length
            or other.facts.start >= facts.start + facts.length
          is_free = is_free and apart
        end
        for _, number in ipairs(knobs.drops or {}) do is_free = is_free and number ~= appends end
        if is_free then
          table.insert(current_timeline.data.video, video)
          if info.mediaPoolItem.media.sound then
            local sound, sound_facts = item("audio")
            sound.facts = sound_facts
            table.insert(current_timeline.data.audio, sound)
          end
        end
        made[#made + 1] = video -- also if nothing was placed
      end
      return made
    end,
  })

  local project = object({
    GetMediaPool = function() return pool end,
    GetTimelineCount = function() return #state.timelines end,
    GetTimelineByIndex = function(_, number) return state.timelines[number] end,
    GetCurrentTimeline = function() return current_timeline end,
    SetCurrentTimeline = function(_, timeline)
      if knobs.other_current then return false end
      current_timeline = timeline
      return true
    end,
  })
  local manager = object({ GetCurrentProject = function() if not knobs.no_project then return project end end })
  local resolve = object({
    GetProductName = function() return "DaVinci Resolve" end,
    GetVersionString = function() return "20.3.2.0009" end,
    GetProjectManager = function() return manager end,
    GetCurrentPage = function() return state.page end,
    OpenPage = function(_, page) state.page = page return true end,
  })

  -- A timeline of the user's own, which is open.
  current_timeline = timeline_of("my edit")
  table.insert(state.timelines, current_timeline)
  -- For the tests: what is there now.
  function state.forget(name)
    for place = #state.timelines, 1, -1 do
      if state.timelines[place].data.name == name then table.remove(state.timelines, place) end
    end
  end
  function state.current() return current_timeline and current_timeline.data.name or "" end
  return resolve, state
end
