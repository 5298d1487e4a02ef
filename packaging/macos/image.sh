#!/usr/bin/env bash
# Sign dist/TimeRefine.app and pack it into a disk image:   packaging/macos/image.sh VERSION
#
# IDENTITY: such as "Developer ID Application: Name (TEAM)", from the keychain. Without it, the app gets a signature that is
# good for this Mac alone ("-"): others have to allow it in System Settings.
# NOTARY: the name of a profile that `xcrun notarytool store-credentials` made. With it, Apple checks the image, and it opens
# on other Macs without a question. It needs an IDENTITY.
# Nobody has run this yet: see docs/packaging.md.
set -eu
version=$1
app=dist/TimeRefine.app
image=dist/timerefine-$version-macos-$(uname -m).dmg
identity=${IDENTITY:--}
here=$(dirname "$0")

sign() { codesign --force --options runtime --entitlements "$here/entitlements.plist" $stamp --sign "$identity" "$@"; }
if [ "$identity" = - ]; then stamp=--timestamp=none; else stamp=--timestamp; fi

# From the inside out: a signature covers the ones below it.
find "$app/Contents" -type f \( -name '*.dylib' -o -name '*.so' \) -print0 | while IFS= read -r -d '' file; do sign "$file"; done
find "$app/Contents" -type d -name '*.framework' -prune -print0 | while IFS= read -r -d '' folder; do sign "$folder"; done
sign "$app/Contents/MacOS/tr-desktop"
sign "$app"
codesign --verify --deep --strict "$app"

stage=$(mktemp -d)
trap 'rm -rf "$stage"' EXIT
ditto "$app" "$stage/TimeRefine.app"
ln -s /Applications "$stage/Applications"
rm -f "$image"
hdiutil create -volname "TimeRefine $version" -srcfolder "$stage" -format ULFO "$image"
if [ -n "${NOTARY:-}" ]; then
  codesign --force $stamp --sign "$identity" "$image"
  xcrun notarytool submit "$image" --keychain-profile "$NOTARY" --wait
  xcrun stapler staple "$image"
  spctl --assess --type open --context context:primary-signature "$image"
fi
echo "Made $image"
