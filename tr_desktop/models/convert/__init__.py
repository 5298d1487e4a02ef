"""From a checkpoint folder to a model pack, through torch and transformers, which only this room and training know.

Nothing here is imported unless a checkpoint is converted.
"""
