#!/usr/bin/env bash
# Do the HTML reports work in a browser? Triages a map that is wrong on purpose, validates the pages, opens them in
# headless Chromium at 1280 and 400 pixels, presses keys, and looks at what is shown. Screenshots go to target/report.
#
# What is not installed (Chromium; npm, for the validator) is skipped with a message.
set -euo pipefail
cd "$(dirname "$0")/.."
out=${CARGO_TARGET_DIR:-target}/report
rm -rf "$out" && mkdir -p "$out/findings"
cat > "$out/findings/raw.case" <<'CASE'
case 1
# --subject wrong
thread main
  reserve 27
  fill-to-threshold +1 k4
  get k3
  remove k4
end
CASE
exit=0
cargo models triage --findings "$out/findings" "$out/findings/raw.case" || exit=$?
[ $exit = 1 ] || { echo "triage found nothing"; exit 1; }
page=$(ls "$out"/findings/triage/*.html | grep -v index.html)
index=$out/findings/triage/index.html

fail() { echo "FAILED: $*" >&2; exit 1; }

if command -v npm >/dev/null && npm exec --yes --quiet html-validate@10 -- --version >/dev/null 2>&1; then
    npm exec --yes --quiet html-validate@10 -- --config ci/html-validate.json "$page" "$index" || fail 'the validator objects'
    echo 'html-validate: nothing to object'
else
    echo 'skipped: html-validate (npm, or the network it needs, is not there)'
fi

browser=$(command -v chromium || command -v chromium-browser || command -v google-chrome || true)
[ -n "$browser" ] || { echo 'skipped: no Chromium is installed'; exit 0; }
run() { "$browser" --headless --no-sandbox --disable-gpu --hide-scrollbars --virtual-time-budget=2000 "$@" 2>/dev/null; }

# The page with a script that does what a person would, and leaves what it saw in the title.
# probe NAME WIDTH SCRIPT: the title afterwards.
probe() {
    { sed 's,</html>,,' "$page"; echo "<script>document.title = JSON.stringify((() => { $3 })())</script></html>"; } > "$out/probe-$1.html"
    run --window-size="$2",900 --dump-dom "file://$(realpath "$out/probe-$1.html")" | grep -o '<title>.*</title>' | head -1 | sed 's,</*title>,,g'
}
shown='[...document.querySelectorAll("[data-shows]")].filter((one) => !one.hidden).length'
on='document.querySelector(".step.on").dataset.step'
press='const press = (key) => document.dispatchEvent(new KeyboardEvent("keydown", { key }));'

for width in 1280 400; do
    seen=$(probe "wide-$width" $width "return [document.querySelectorAll('svg .head.lane').length, document.querySelectorAll('[data-step]').length >= 3, document.querySelectorAll('section.state').length >= 2, $shown, document.documentElement.scrollWidth <= innerWidth]")
    [ "$seen" = '[1,true,true,1,true]' ] || fail "at $width pixels: lanes, steps, states, shown, fits = $seen"
    run --window-size=$width,1500 --screenshot="$out/finding-$width.png" "file://$(realpath "$page")" >/dev/null
    run --window-size=$width,700 --screenshot="$out/index-$width.png" "file://$(realpath "$index")" >/dev/null
done
seen=$(probe keys 1280 "$press press('Home'); const first = $on; press('ArrowRight'); const second = $on; press('End'); press('ArrowLeft'); return [first, second, Number(document.getElementById('slider').value) === document.querySelectorAll('[data-step]').length - 1]")
[ "$seen" = '["1","2",true]' ] || fail "keys: $seen"
seen=$(probe slider 1280 "const slider = document.getElementById('slider'); slider.value = 1; slider.dispatchEvent(new Event('input')); const state = document.querySelector('[data-shows]:not([hidden])').dataset.shows; return [$on, state === document.querySelector('.step.on').dataset.state]")
[ "$seen" = '["1",true]' ] || fail "slider: $seen"
seen=$(probe click 1280 "document.querySelector('[data-step=\"2\"]').dispatchEvent(new MouseEvent('click', { bubbles: true })); return $on")
[ "$seen" = '"2"' ] || fail "click: $seen"
echo "the pages work; screenshots: $(ls "$out"/*.png | tr '\n' ' ')"
