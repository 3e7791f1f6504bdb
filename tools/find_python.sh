#!/bin/sh
# Prints the command of a Python that simgan_lib runs on: the one asked for, or the first found.
for python in ${1:-python3 python3.13 python3.12 python3.11}; do
    if "$python" -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))' 2>/dev/null
    then
        echo "$python"
        exit 0
    fi
done
echo "No Python 3.11, 3.12 or 3.13 among: ${1:-python3 python3.13 python3.12 python3.11}." >&2
echo "Install one, or name it: make PYTHON=/path/to/python3.12 ..." >&2
exit 2
