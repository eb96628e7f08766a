DefinitionBlock ("", "SSDT", 1, "TESTNV", "HANDMADE", 1)
{
    Scope (\_SB)
    {
        Device (NVDR)
        {
            Name (_HID, "ACPI0012")
            Device (NV01) { Name (_ADR, 1) }
            Device (NV02) { Name (_ADR, 2) }
            Device (NV03) { Name (_ADR, 3) }
            Device (NV04) { Name (_ADR, 4) }
            Device (NV05) { Name (_ADR, 5) }
            Device (NV06) { Name (_ADR, 6) }
            Device (NV07) { Name (_ADR, 7) }
            Device (NV08) { Name (_ADR, 8) }
        }
    }
}
