// The devices of an NFIT with eight DIMMs, each with a label area of 128 KiB: NVDIMM label methods
// (ACPI specification, section 6.5.10) over memory from 0x60000000 on, that the kernel is told to
// leave alone (memmap=16M$0x60000000). DIMM n has its area at 0x60000000 + n * 0x40000.
//
//   iasl -p label_devices label_devices.asl        (the result is kept beside this file)
DefinitionBlock ("", "SSDT", 2, "TESTNV", "LABELS", 1)
{
    Scope (\_SB)
    {
        Device (NVDR)
        {
            Name (_HID, "ACPI0012")
            // A command family (Microsoft's) without functions: without any, the driver asks for no
            // label methods.
            Method (LDSM, 2)
            {
                If (LAnd (LEqual (Arg0, ToUUID ("1ee68b36-d4bd-4a1a-9a16-4f8e53d46e05")), LEqual (Arg1, 0)))
                {
                    Return (Buffer () { 0x01 })
                }
                Return (Buffer () { 0x00 })
            }
            // The label area of DIMM Arg0: its size, and the most that one command moves.
            Method (LINF, 0) { Return (Package () { 0, 0x20000, 0x1000 }) }
            // Arg2 bytes at Arg1.
            Method (LGET, 3, Serialized)
            {
                OperationRegion (AREA, SystemMemory, Add (Add (0x60000000, Multiply (Arg0, 0x40000)), Arg1), 0x1000)
                Field (AREA, DWordAcc, NoLock, Preserve) { DATA, 32768 }
                Name (GIVE, Package (2) { 0, 0 })
                Store (Mid (DATA, 0, Arg2), Index (GIVE, 1))
                Return (GIVE)
            }
            // The Arg2 bytes of Arg3 go to Arg1.
            Method (LPUT, 4, Serialized)
            {
                OperationRegion (AREA, SystemMemory, Add (Add (0x60000000, Multiply (Arg0, 0x40000)), Arg1), 0x1000)
                Field (AREA, DWordAcc, NoLock, Preserve) { DATA, 32768 }
                Store (DATA, Local0)
                Store (Mid (Local0, Arg2, Subtract (0x1000, Arg2)), Local1)
                Concatenate (Arg3, Local1, Local2)
                Store (Local2, DATA)
                Return (0)
            }
            Device (NV01)
            {
                Name (_ADR, 1)
                Method (_DSM, 4) { Return (LDSM (Arg0, Arg2)) }
                Method (_LSI, 0) { Return (LINF ()) }
                Method (_LSR, 2) { Return (LGET (1, Arg0, Arg1)) }
                Method (_LSW, 3) { Return (LPUT (1, Arg0, Arg1, Arg2)) }
            }
            Device (NV02)
            {
                Name (_ADR, 2)
                Method (_DSM, 4) { Return (LDSM (Arg0, Arg2)) }
                Method (_LSI, 0) { Return (LINF ()) }
                Method (_LSR, 2) { Return (LGET (2, Arg0, Arg1)) }
                Method (_LSW, 3) { Return (LPUT (2, Arg0, Arg1, Arg2)) }
            }
            Device (NV03)
            {
                Name (_ADR, 3)
                Method (_DSM, 4) { Return (LDSM (Arg0, Arg2)) }
                Method (_LSI, 0) { Return (LINF ()) }
                Method (_LSR, 2) { Return (LGET (3, Arg0, Arg1)) }
                Method (_LSW, 3) { Return (LPUT (3, Arg0, Arg1, Arg2)) }
            }
            Device (NV04)
            {
                Name (_ADR, 4)
                Method (_DSM, 4) { Return (LDSM (Arg0, Arg2)) }
                Method (_LSI, 0) { Return (LINF ()) }
                Method (_LSR, 2) { Return (LGET (4, Arg0, Arg1)) }
                Method (_LSW, 3) { Return (LPUT (4, Arg0, Arg1, Arg2)) }
            }
            Device (NV05)
            {
                Name (_ADR, 5)
                Method (_DSM, 4) { Return (LDSM (Arg0, Arg2)) }
                Method (_LSI, 0) { Return (LINF ()) }
                Method (_LSR, 2) { Return (LGET (5, Arg0, Arg1)) }
                Method (_LSW, 3) { Return (LPUT (5, Arg0, Arg1, Arg2)) }
            }
            Device (NV06)
            {
                Name (_ADR, 6)
                Method (_DSM, 4) { Return (LDSM (Arg0, Arg2)) }
                Method (_LSI, 0) { Return (LINF ()) }
                Method (_LSR, 2) { Return (LGET (6, Arg0, Arg1)) }
                Method (_LSW, 3) { Return (LPUT (6, Arg0, Arg1, Arg2)) }
            }
            Device (NV07)
            {
                Name (_ADR, 7)
                Method (_DSM, 4) { Return (LDSM (Arg0, Arg2)) }
                Method (_LSI, 0) { Return (LINF ()) }
                Method (_LSR, 2) { Return (LGET (7, Arg0, Arg1)) }
                Method (_LSW, 3) { Return (LPUT (7, Arg0, Arg1, Arg2)) }
            }
            Device (NV08)
            {
                Name (_ADR, 8)
                Method (_DSM, 4) { Return (LDSM (Arg0, Arg2)) }
                Method (_LSI, 0) { Return (LINF ()) }
                Method (_LSR, 2) { Return (LGET (8, Arg0, Arg1)) }
                Method (_LSW, 3) { Return (LPUT (8, Arg0, Arg1, Arg2)) }
            }
        }
    }
}
