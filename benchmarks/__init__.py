"""Measurements of the program, each beside a floor that is measured in turns with it. None runs in the tests.

Run them from the repository root, for instance `python -m benchmarks.library --help`:

- `app`: the app's waits: window, first step after Enter, scrolling, closing; how long the event loop is held
- `background`: the default bank of background pictures beside mini's own
- `behaviour`: what the commands answer, to compare two versions of the program byte by byte
- `closer_window`: how much nearer a video language model gets to an edge when it is asked again from close up
- `decode`: which decoder returns the frame it is asked for; the time of sampling beside ffmpeg
- `feedback`: what marking first answers right or wrong adds to the answers
- `first_pass`: how soon and how well footage can be searched from its keyframes, beside all of it read
- `gpu`: image towers and the refiner on an NVIDIA GPU beside torch.compile
- `grounder`: times and memory of a video language model in the worker, with random weights of a true shape
- `handoff`: whether an EDL's labels are the intended frames; the time to cut and verify a clip beside ffmpeg
- `indexing`: the time and the memory to index a file beside ffmpeg decoding it
- `library`: the time of a search over a large library beside one matrix product
- `local_api`: how soon a plugin sees the first steps of a search over the local API, beside the search alone
- `main_job`: the `index` and `find` commands as a whole beside ffmpeg and the imports
- `models`: the time that the open models' image towers take for a picture beside the embedded model's
- `refine`: the time to refine answers and to look closer at one
- `screen_text`: queries for text in pictures that are answered, and the cost of reading it
- `seek`: how long the player waits for a frame beside the decoder alone
- `startup`: the time to start the program and to search, beside another checkout of it

Those that generate footage need the ffmpeg command; `app` and `seek` need the extra `app`.
"""
