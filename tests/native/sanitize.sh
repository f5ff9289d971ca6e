#!/usr/bin/env bash
# The C code under -Werror, then all its tests with the address and undefined-behaviour sanitizers.
#
#   tests/native/sanitize.sh [PYTHON]     PYTHON has the package's dependencies and pytest; CC may name a compiler
#
# Works on a copy, so the extension in use is not replaced by a slow one.  The sanitizers must be loaded
# before Python, which was built without them; leaks are Python's own at exit and not looked for here
# (test_nothing_is_kept does).  A finding ends the run; capture=sys leaves its report on the terminal.
set -euo pipefail
root=$(cd "$(dirname "$0")/../.." && pwd)
python=$(command -v "${1:-python3}")
# Made absolute by hand: resolving the link would leave the virtual environment.
[[ $python == /* ]] || python=$PWD/$python
cc=${CC:-gcc}
include=$("$python" -c 'import sysconfig; print(sysconfig.get_path("include"))')
warnings=(-std=gnu11 -Wall -Wextra -Werror -fPIC -I"$include")

for compiler in "$cc" clang; do
    command -v "$compiler" >/dev/null || continue
    for level in -O0 -O3; do
        for source in native/_equihash native/_sending sim/_solver; do
            "$compiler" "${warnings[@]}" $level -c "$root/proxy/$source.c" -o /dev/null
        done
    done
done

copy=$(mktemp -d)
trap 'rm -rf "$copy"' EXIT
cp -r "$root/proxy" "$root/tests" "$root/pyproject.toml" "$copy"
find "$copy" -name '*.so' -delete
sanitizers=(-O1 -g -fno-omit-frame-pointer -fsanitize=address,undefined -fno-sanitize-recover=all)
for source in native/_equihash native/_sending sim/_solver; do
    "$cc" "${warnings[@]}" "${sanitizers[@]}" -shared "$copy/proxy/$source.c" -o "$copy/proxy/$source.abi3.so"
done

cd "$copy"
export ASAN_OPTIONS=detect_leaks=0 UBSAN_OPTIONS=print_stacktrace=1 PYTHONDONTWRITEBYTECODE=1
preload="$("$cc" -print-file-name=libasan.so) $("$cc" -print-file-name=libubsan.so)"
LD_PRELOAD=$preload "$python" -m pytest -q --capture=sys -p no:cacheprovider \
    tests/native tests/sim/test_solver.py tests/fuzz/test_corpus.py -k "not fuzz or native_check"
