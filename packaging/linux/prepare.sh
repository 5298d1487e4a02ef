#!/usr/bin/env bash
# What freezing and checking needs on Debian 12 (as root): Debian's own Python, the libraries that Qt's X11 and Wayland parts
# are linked with, which are copied into the folder, and the programs that the check uses.
set -euo pipefail
export DEBIAN_FRONTEND=noninteractive
apt-get update -qq
apt-get install -y -qq --no-install-recommends git python3 python3-venv libpython3.11 \
  binutils zstd debootstrap desktop-file-utils nsis xvfb xdotool \
  libegl1 libgl1 libfontconfig1 libdbus-1-3 libglib2.0-0 libpulse0 libasound2 \
  libxkbcommon0 libxkbcommon-x11-0 libxcb-cursor0 libxcb-icccm4 libxcb-image0 libxcb-keysyms1 libxcb-randr0 \
  libxcb-render-util0 libxcb-shape0 libxcb-sync1 libxcb-xfixes0 libxcb-xinerama0 libxcb-xkb1 libx11-xcb1 \
  libwayland-client0 libwayland-cursor0 libwayland-egl1 fontconfig fonts-dejavu-core >/dev/null
