# SPDX-License-Identifier: Apache-2.0
"""ACPI tables (SSDTs) with methods that emulate firmware which QEMU's guests do not have.

The DIMMs have label areas: buffers in the interpreter, which a kernel accesses through _LSI, _LSR and _LSW if a DIMM
has a command family other than Intel's. The bus may have address-range scrub and error injection.
"""

import os
import subprocess
import textwrap

_TABLE = """DefinitionBlock ("", "SSDT", 2, "TESTNV", "HANDMADE", 1)
{{
  Scope (\\_SB)
  {{
    Device (NVDR)
    {{
      Name (_HID, "ACPI0012")
{devices}
    }}
  }}
}}
"""

_DIMM = """
Device (NV0{handle})
{{
  Name (_ADR, {handle})
  Name (AREA, Buffer ({size}) {{}})
  Method (_DSM, 4, Serialized)
  {{
    If ((Arg0 == ToUUID ("1ee68b36-d4bd-4a1a-9a16-4f8e53d46e05")) && (Arg2 == 0)) {{ Return (Buffer (1) {{ 1 }}) }}
    Return (Buffer (1) {{ 0 }})
  }}
  Method (_LSI, 0, Serialized) {{ Return (Package (3) {{ 0, {size}, 4096 }}) }}
  Method (_LSR, 2, Serialized)
  {{
    If ((Arg0 + Arg1) > {size}) {{ Return (Package (2) {{ 2, Buffer (1) {{}} }}) }}
    Local1 = Package (2) {{ 0, 0 }}
    Local1 [1] = Mid (AREA, Arg0, Arg1)
    Return (Local1)
  }}
  Method (_LSW, 3, Serialized)
  {{
    If ((Arg0 + Arg1) > {size}) {{ Return (2) }}
    Local0 = 0
    While (Local0 < Arg1)
    {{
      AREA [(Arg0 + Local0)] = DerefOf (Arg2 [Local0])
      Local0 ++
    }}
    Return (0)
  }}
}}
"""

# At most 32 errors; all addresses belong to the DIMM with handle 1, whose range begins at 1 GiB.
_SCRUB = """
// The errors, and what the last scrub found.
Name (BASE, Package (32) {{ {zeros} }})
Name (LENG, Package (32) {{ {zeros} }})
Name (RESU, Buffer (816) {{}})
Name (RLEN, 0)
Method (PUTQ, 2, Serialized) {{ CreateQWordField (RESU, Arg0, QF) QF = Arg1 }}
Method (PUTD, 2, Serialized) {{ CreateDWordField (RESU, Arg0, DF) DF = Arg1 }}
// One more error: [Arg0, Arg0 + Arg1).
Method (ADDE, 2, Serialized)
{{
  Local0 = 0
  While (Local0 < 32)
  {{
    If (DerefOf (LENG [Local0]) == 0) {{ BASE [Local0] = Arg0 LENG [Local0] = Arg1 Return (0) }}
    Local0 ++
  }}
  Return (1)
}}
// Forgets [Arg0, Arg0 + Arg1).
Method (FORG, 2, Serialized)
{{
  Local6 = Arg0 + Arg1
  Local0 = 0
  While (Local0 < 32)
  {{
    Local1 = DerefOf (BASE [Local0])
    Local2 = DerefOf (LENG [Local0])
    Local3 = Local1 + Local2
    If ((Local2 != 0) && (Local1 < Local6) && (Arg0 < Local3))
    {{
      LENG [Local0] = 0
      If (Local1 < Arg0) {{ BASE [Local0] = Local1 LENG [Local0] = Arg0 - Local1 }}
      If (Local6 < Local3) {{ ADDE (Local6, Local3 - Local6) }}
    }}
    Local0 ++
  }}
}}
// A scrub, over at once: its results.
Method (STRT, 1, Serialized)
{{
  CreateQWordField (Arg0, 0, SADR)
  CreateQWordField (Arg0, 8, SLEN)
  CreateWordField (Arg0, 16, STYP)
  RESU = Buffer (816) {{}}
  Local4 = SADR + SLEN
  Local5 = 0
  Local0 = 0
  While (Local0 < 32)
  {{
    Local1 = DerefOf (BASE [Local0])
    Local2 = DerefOf (LENG [Local0])
    Local3 = Local1 + Local2
    If ((Local2 != 0) && (Local1 < Local4) && (SADR < Local3))
    {{
      If (Local1 < SADR) {{ Local1 = SADR }}
      If (Local4 < Local3) {{ Local3 = Local4 }}
      PUTQ (48 + Local5 * 24 + 8, Local1)
      PUTQ (48 + Local5 * 24 + 16, Local3 - Local1)
      PUTD (48 + Local5 * 24, 1)
      Local5 ++
    }}
    Local0 ++
  }}
  RLEN = 48 + Local5 * 24
  PUTD (4, RLEN)
  Local6 = SADR + 0
  PUTQ (8, Local6)
  Local6 = SLEN + 0
  PUTQ (16, Local6)
  Local6 = STYP + 0
  PUTD (40, Local6)
  PUTD (44, Local5)
  Name (OUTB, Buffer (8) {{0,0,0,0,1,0,0,0}})
  Return (OUTB)
}}
Method (STAT, 0, Serialized)
{{
  If (RLEN == 0) {{ Return (Buffer (48) {{0,0,2,0,48,0,0,0}}) }}
  Return (Mid (RESU, 0, RLEN))
}}
Method (CLRE, 1, Serialized)
{{
  CreateQWordField (Arg0, 0, CADR)
  CreateQWordField (Arg0, 8, CLEN)
  Name (OUTB, Buffer (16) {{}})
  CreateQWordField (OUTB, 8, DONE)
  Local0 = CADR + 0
  Local1 = CLEN + 0
  FORG (Local0, Local1)
  DONE = Local1
  Return (OUTB)
}}
Method (INJE, 1, Serialized)
{{
  CreateQWordField (Arg0, 0, IADR)
  CreateQWordField (Arg0, 8, ILEN)
  CreateByteField (Arg0, 16, IOPT)
  Local0 = IADR + 0
  Local1 = ILEN + 0
  ADDE (Local0, Local1)
  If (IOPT & 1) {{ Notify (NVDR, 0x81) }}
  Return (Buffer (4) {{}})
}}
Method (INJC, 1, Serialized)
{{
  CreateQWordField (Arg0, 0, JADR)
  CreateQWordField (Arg0, 8, JLEN)
  Local0 = JADR + 0
  Local1 = JLEN + 0
  FORG (Local0, Local1)
  Return (Buffer (4) {{}})
}}
Name (INJB, Buffer (520) {{}})
Method (PUTI, 2, Serialized) {{ CreateQWordField (INJB, Arg0, QI) QI = Arg1 }}
// The injected errors.
Method (INJS, 0, Serialized)
{{
  CreateDWordField (INJB, 4, INUM)
  Local5 = 0
  Local0 = 0
  While (Local0 < 32)
  {{
    If (DerefOf (LENG [Local0]) != 0)
    {{
      Local1 = DerefOf (BASE [Local0])
      PUTI (8 + Local5 * 16, Local1)
      Local1 = DerefOf (LENG [Local0])
      PUTI (16 + Local5 * 16, Local1)
      Local5 ++
    }}
    Local0 ++
  }}
  INUM = Local5
  Return (Mid (INJB, 0, 8 + Local5 * 16))
}}
Method (TRAN, 1, Serialized)
{{
  CreateQWordField (Arg0, 0, TADR)
  Name (OUTB, Buffer (36) {{}})
  CreateDWordField (OUTB, 16, TNUM)
  CreateDWordField (OUTB, 20, THAN)
  CreateQWordField (OUTB, 28, TDPA)
  TNUM = 1
  THAN = 1
  TDPA = TADR - 0x40000000
  Return (OUTB)
}}
Method (_DSM, 4, Serialized)
{{
  If (Arg0 != ToUUID ("2f10e7a4-9e91-11e4-89d3-123b93f75cba")) {{ Return (Buffer (1) {{0}}) }}
  If (Arg2 == 0) {{ Return (Buffer (2) {{0xBF, 0x03}}) }}
  If (Arg2 == 1) {{ Return (Buffer (16) {{0,0,3,0, 0x30,3,0,0, 0,1,0,0, 0,0,0,0}}) }}
  If (Arg2 == 3) {{ Return (STAT ()) }}
  If (Arg2 == 9) {{ Return (INJS ()) }}
  Local7 = DerefOf (Arg3 [0])
  If (Arg2 == 2) {{ Return (STRT (Local7)) }}
  If (Arg2 == 4) {{ Return (CLRE (Local7)) }}
  If (Arg2 == 5) {{ Return (TRAN (Local7)) }}
  If (Arg2 == 7) {{ Return (INJE (Local7)) }}
  If (Arg2 == 8) {{ Return (INJC (Local7)) }}
  Return (Buffer (4) {{1,0,0,0}})
}}
"""


def compiled(folder, handles, label_size, scrub=False):
    """The path of the compiled table: DIMMs with these handles (1 to 9) and label areas of `label_size` bytes each.

    `scrub`: the bus has scrub and error injection. Needs iasl (acpica-tools)."""
    devices = _SCRUB.format(zeros=", ".join(["0"] * 32)) if scrub else ""
    devices += "".join(_DIMM.format(handle=handle, size=label_size) for handle in handles)
    source = os.path.join(folder, "firmware.asl")
    with open(source, "w", encoding="ascii") as out:
        out.write(_TABLE.format(devices=textwrap.indent(devices, "      ")))
    subprocess.run(["iasl", "-p", os.path.join(folder, "firmware"), source],
                   check=True, capture_output=True, timeout=60)
    return os.path.join(folder, "firmware.aml")
