"""How published models are asked for a moment, and what they answer with.

The words are those that each model was trained with or is evaluated with by its authors; another wording costs
accuracy. `{}` stands for the query. The numbers are for a checkpoint that runs on this machine: at 2 fps in a window
of 30 s, side_px gives about as many tokens as the authors allow for a video.

preset        where its words and numbers are from
timelens2     card of MCG-NJU/TimeLens2-2B; its budget of tokens isn't stated, so half of TimeLens's is assumed
timelens      TencentARC/TimeLens at 5d90c06, evaluation/utils.py: 2 fps, 14,336 tokens a video, 512 new ones
time-r1       xiaomi-research/time-r1 at 7f2b594, demo.py: 2 fps, 3,584 tokens a video, up to 200 new ones
videochat-r1  OpenGVLab/VideoChat-R1 at 73b2ea9, src_eval/eval_prompts.py: the same, with the text first
vtimellm      huangb23/VTimeLLM at c34ae56: 100 pictures of 224 pixels from the window's start to its end: one every
              99th of it, of which the last also stands for the end; hundredths of the window
timerefine    SJTUwxz/TimeRefine at a92e77b, eval/eval.py: as VTimeLLM; it corrects itself
vtg-llm       gyxxyg/VTG-LLM at ce13f3e: 96 pictures; times are six characters, such as 0012.5
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

from tr_desktop.errors import PackError
from tr_desktop.grounders.video_llm.answers import AnswerKind

PRESENCE = 'Does the video show the event described by "{}"? Answer with one word, yes or no.'


@dataclass(frozen=True)
class Preset:
    """prompt: the user's turn, `{}` for the query. is_text_first: whether it stands before the pictures. about: for
    lists. fps, frames_most, side_px, new_tokens_most: as in a `GrounderPack`, for a checkpoint."""

    name: str
    about: str
    prompt: str
    answer: AnswerKind
    system: str = ""
    is_text_first: bool = False
    fps: Fraction = Fraction(2)
    frames_most: int = 128
    side_px: int = 640
    new_tokens_most: int = 512


_TIME_R1 = (
    'To accurately pinpoint the event "{}" in the video, determine the precise time period of the event.\n\n'
    "Output your thought process within the <think> </think> tags, including analysis with either specific "
    "WHICH in <timestep> </timestep> tags.\n\n"
    'Then, provide the start and end times (in seconds, precise to two decimal places) in the format "start time to '
    'end time" within the <answer> </answer> tags. For example: "12.54 to 17.83".'
)
_HUNDREDTHS = "During which frames can we see {}?"
_VICUNA = (
    "A chat between a curious user and an artificial intelligence assistant. "
    "The assistant gives helpful, detailed, and polite answers to the user's questions."
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
            side_px=512,
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
            side_px=420,
        ),
        Preset(
            "videochat-r1",
            "VideoChat-R1: as Time-R1, with the question first",
            _TIME_R1.replace("WHICH", "timestamps (xx.xx) or time ranges (xx.xx to xx.xx)"),
            AnswerKind.ANCHORS,
            system="You are a helpful assistant.",
            side_px=420,
            is_text_first=True,
        ),
        Preset(
            "vtimellm",
            "VTimeLLM: one moment, in hundredths of the window",
            _HUNDREDTHS,
            AnswerKind.HUNDREDTHS,
            system=_VICUNA,
            fps=Fraction(25),
            frames_most=99,
            side_px=536,
            new_tokens_most=64,
        ),
        Preset(
            "timerefine",
            "TimeRefine: as VTimeLLM, then corrections; each is a step",
            _HUNDREDTHS,
            AnswerKind.REFINE,
            system=_VICUNA,
            fps=Fraction(25),
            frames_most=99,
            side_px=536,
            new_tokens_most=160,
        ),
        Preset(
            "vtg-llm",
            "models that were trained to write times as VTG-LLM does, such as 0012.5",
            "Localize the visual content described by the given textual query '{}' in the video, and output the start "
            "and end timestamps in seconds.",
            AnswerKind.DIGITS,
            frames_most=96,
            side_px=420,
        ),
    )
}


def preset_of(name: str) -> Preset:
    """The preset of that name. Raises PackError if there is none."""
    if name not in PRESETS:
        raise PackError(f"There is no preset {name!r}", remedy=f"Choose one of: {', '.join(PRESETS)}")
    return PRESETS[name]
