# SPDX-License-Identifier: Apache-2.0
"""Writes a copy of a source file with one text replaced by another; the first line says whether it was there.

    mutate.py SOURCE BEFORE AFTER >COPY
"""
import sys

source, before, after = sys.argv[1:]
with open(source, encoding="utf-8") as file:
    text = file.read()
places = text.count(before)
print("// MUTATED" if places == 1 else f"// STALE: {source} has {places} places like this: {before!r}")
print(text.replace(before, after) if places == 1 else text, end="")
