#!/bin/sh
# Resolve pyproject.toml anew into the lock files (needs uv). Run in the repository's root.
set -eu
lock() { name=$1; shift; uv pip compile -q pyproject.toml --universal --python-version 3.11 --no-emit-index-url --no-annotate --no-header "$@" -o "lock/$name.txt"; }
lock app --extra api --extra mcp --generate-hashes
lock desktop --extra app --generate-hashes
lock test --extra test --generate-hashes
# torch has a CPU and a CUDA build of one version, so no hashes; it pins the CUDA packages that it needs itself.
for name in train convert llm; do
  lock "$name" --extra "$name" --extra test
  grep -vE '^(nvidia-|cuda-|triton==)' "lock/$name.txt" >lock/new.tmp && mv lock/new.tmp "lock/$name.txt"
done
# The frozen app: what it holds, and what freezes it.
printf 'pyinstaller\n' >lock/freeze.in
lock freeze lock/freeze.in --extra app --extra api --extra mcp --generate-hashes
rm lock/freeze.in
# onnxruntime-gpu brings the same modules as onnxruntime: one of the two, never both.
printf 'onnxruntime-gpu[cuda,cudnn]\n' >lock/gpu.in
lock gpu lock/gpu.in --no-emit-package onnxruntime
rm lock/gpu.in
# Blender's module pins an older NumPy than the app needs, and is for one version of Python: it is resolved by itself.
printf 'bpy==5.0.1\nnumpy==1.26.4\nav>=17,<19\nhypothesis\nplatformdirs\npytest\ntqdm\n' >lock/blender.in
uv pip compile -q lock/blender.in --python-version 3.11 --no-emit-index-url --no-annotate --no-header --generate-hashes -o lock/blender.txt
rm lock/blender.in
