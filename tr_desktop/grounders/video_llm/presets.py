"""How published models are asked for a moment, and what they answer with.

The words are those that each model was trained with or is evaluated with by its authors; another wording costs
accuracy. `{}` stands for the query.
"""

from __future__ import annotations

from dataclasses import dataclass

from tr_desktop.grounders.video_llm.answers import AnswerKind

PRESENCE = 'Does the video show the event described by "{}"? Answer with one word, yes or no.'


@dataclass(frozen=True)
class Preset:
    """prompt: the user's turn, `{}` for the query. is_text_first: whether it stands before the pictures. about: for
    lists."""

    name: str
    about: str
    prompt: str
    answer: AnswerKind
    system: str = ""
    is_text_first: bool = False


_TIME_R1 = (
    'To accurately pinpoint the event "{}" in the video, determine the precise time period of the event.\n\n'
    "Output your thought process within the <think> </think> tags, including analysis with either specific "
    "WHICH in <timestep> </timestep> tags.\n\n"
    'Then, provide the start and end times (in seconds, precise to two decimal places) in the format "start time to '
    'end time" within the <answer> </answer> tags. For example: "12.54 to 17.83".'
)

PRESETS = {
    preset.name: preset
    for preset in (
        Preset(
            "timelens2",
            "TimeLens2; also Qwen3-VL and others that can write JSON; finds several moments in a window",
            'Given the query: "{}", return ALL time spans (in seconds) where the query is relevant.\n'
            "Output format MUST be a JSON array of [start, end] pairs.\n",
            AnswerKind.SPANS,
        ),
        Preset(
            "timelens",
            "TimeLens-8B; also plain Qwen3-VL and Qwen2.5-VL",
            "Please find the visual event described by the sentence '{}', determining its starting and ending times. "
            "The format should be: 'The event happens in <start time> - <end time> seconds'.",
            AnswerKind.SPAN,
        ),
        Preset(
            "time-r1",
            "Time-R1: it thinks aloud, with anchors on the way",
            _TIME_R1.replace("WHICH", "time ranges (xx.xx to xx.xx)"),
            AnswerKind.ANCHORS,
            system="You are a helpful assistant.",
        ),
        Preset(
            "videochat-r1",
            "VideoChat-R1: as Time-R1, with the question first",
            _TIME_R1.replace("WHICH", "timestamps (xx.xx) or time ranges (xx.xx to xx.xx)"),
            AnswerKind.ANCHORS,
            system="You are a helpful assistant.",
            is_text_first=True,
        ),
    )
}
