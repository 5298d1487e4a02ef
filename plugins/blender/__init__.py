# SPDX-License-Identifier: Apache-2.0 OR GPL-3.0-or-later
"""Moments that TimeRefine handed over, as strips of the video sequencer: Add > TimeRefine moments."""

from __future__ import annotations

from pathlib import Path

import bpy

from . import hand_over, placing

OUTBOX = "@OUTBOX@"  # the path of latest.json, written in by `tr-desktop plugins install blender`


class SEQUENCER_OT_timerefine_moments(bpy.types.Operator):  # noqa: N801 (Blender's way of naming)
    """Place the moments that TimeRefine handed over, exact to the frame"""

    bl_idname = "sequencer.timerefine_moments"
    bl_label = "TimeRefine moments"
    bl_options = {"REGISTER", "UNDO"}  # noqa: RUF012 (Blender reads it)

    filepath: bpy.props.StringProperty(subtype="FILE_PATH", options={"SKIP_SAVE"})
    filter_glob: bpy.props.StringProperty(default="*.json", options={"HIDDEN"})
    chooses_file: bpy.props.BoolProperty(options={"HIDDEN", "SKIP_SAVE"})

    def invoke(self, context, event):
        if Path(OUTBOX).is_file() and not self.chooses_file:
            return self.execute(context)
        context.window_manager.fileselect_add(self)
        return {"RUNNING_MODAL"}

    def execute(self, context):
        try:
            moments = hand_over.read(Path(self.filepath or OUTBOX))
        except hand_over.UnreadableError as error:
            self.report({"ERROR"}, str(error))
            return {"CANCELLED"}
        scene = _scene(context)
        outcome = placing.place(scene, moments)
        for sentence in outcome.said:
            self.report({"WARNING"}, sentence)
        rate = placing.rate_text(placing.rate_of(scene))
        more = "; the Info editor says more" if outcome.said else ""
        done = f"Placed {outcome.placed} of {len(moments)} moments in {scene.name}, at {rate} frames a second{more}"
        self.report({"WARNING" if outcome.said else "INFO"}, done)
        return {"FINISHED"} if outcome.placed else {"CANCELLED"}


def _scene(context):
    """The scene that the sequencer shows. Since Blender 5 it can be another than the window's, or none yet."""
    shown = getattr(context, "sequencer_scene", None) or context.scene
    if getattr(context.workspace, "sequencer_scene", shown) is None:
        context.workspace.sequencer_scene = shown
    return shown


def _add_to_menu(menu, context):
    layout = menu.layout
    layout.separator()
    layout.operator_context = "INVOKE_DEFAULT"
    layout.operator(SEQUENCER_OT_timerefine_moments.bl_idname)
    from_file = layout.operator(SEQUENCER_OT_timerefine_moments.bl_idname, text="TimeRefine moments from a file…")
    from_file.chooses_file = True


def register():
    bpy.utils.register_class(SEQUENCER_OT_timerefine_moments)
    bpy.types.SEQUENCER_MT_add.append(_add_to_menu)


def unregister():
    bpy.types.SEQUENCER_MT_add.remove(_add_to_menu)
    bpy.utils.unregister_class(SEQUENCER_OT_timerefine_moments)
