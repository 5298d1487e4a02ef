"""Training video language models to write where the moment is.

tiny        random checkpoints that load and train in seconds: to try the whole way, and for tests
colours     generated clips, for the same
data        annotated videos as questions, as the product asks them
sequences   the answers that are learned
rewards     what an answer with anchors earns
checkpoint  the base, and the merged model at the end
policy      the base with an adapter: scores answers and draws them
fitting     resumable steps of an optimiser
sft, grpo   learning from answers, and from rewards
tar         TAR-TVG's stages of both
measure     figures on other videos, beside a constant answer
card        what the result was made of
"""
