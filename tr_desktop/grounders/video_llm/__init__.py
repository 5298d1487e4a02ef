"""Video language models as grounders: they look at a window of footage and write where the moment is.

answers      reads what a model writes, while it writes
presets      how each published model is asked, and what it answers with
packs        grounder.json: which model, where it runs, on what terms
checkpoints  folders of weights, and whether they have changed
weights      checks of .safetensors files
recognise    from a folder to a pack: which model it is, on what terms
suggested    models that `models get` lists
memory       how much a checkpoint needs, and what of it fits
windows      which part of a file a model looks at
messages     what goes between this program and the worker that runs a model
worker       starts the worker, asks it, and outlives it
joining      from a model's steps to the steps of moments
"""

DEVICES = ("auto", "cpu", "cuda", "mps")
"""Where a worker may run a checkpoint; `auto` is a graphics card if torch can use one."""
QUANTISED = ("none", "int8", "nf4")
"""What a worker may make of weights when it loads them."""
GROUND = "_ground"
"""The one argument that makes the program its own worker (`grounder_worker/__main__.py`)."""
