// SPDX-License-Identifier: Apache-2.0
// Whether numbers and layouts of the control commands are those of the kernel's <linux/ndctl.h>.
// All of it is decided when this file is compiled.
#include <linux/ndctl.h>

#include <cstddef>
#include <cstdint>

#include "core/commands/bus_command_format.h"
#include "core/commands/command_call.h"
#include "core/commands/dimm_command_format.h"
#include "core/intel/format.h"
#include "gtest/gtest.h"

namespace nvdimmfs::core {
namespace {

static_assert(kArsCap == ND_CMD_ARS_CAP && kArsStart == ND_CMD_ARS_START);
static_assert(kArsStatus == ND_CMD_ARS_STATUS && kClearError == ND_CMD_CLEAR_ERROR);
static_assert(kCallCommand == ND_CMD_CALL);
static_assert(uint32_t{intel::kSmart} == ND_CMD_SMART);
static_assert(uint32_t{intel::kSmartThreshold} == ND_CMD_SMART_THRESHOLD);
static_assert(uint32_t{intel::kGetLabelSize} == ND_CMD_GET_CONFIG_SIZE);
static_assert(uint32_t{intel::kGetLabels} == ND_CMD_GET_CONFIG_DATA);
static_assert(uint32_t{intel::kSetLabels} == ND_CMD_SET_CONFIG_DATA);

static_assert(sizeof(ArsCapPayload) == sizeof(nd_cmd_ars_cap));
static_assert(offsetof(ArsCapPayload, clear_err_unit) == offsetof(nd_cmd_ars_cap, clear_err_unit));
static_assert(offsetof(ArsCapPayload, flags) == offsetof(nd_cmd_ars_cap, flags));
static_assert(sizeof(ArsStartPayload) == sizeof(nd_cmd_ars_start));
static_assert(offsetof(ArsStartPayload, status) == offsetof(nd_cmd_ars_start, status));
static_assert(sizeof(ArsStatusPayload) == sizeof(nd_cmd_ars_status));
static_assert(offsetof(ArsStatusPayload, restart_address) ==
              offsetof(nd_cmd_ars_status, restart_address));
static_assert(offsetof(ArsStatusPayload, num_records) == offsetof(nd_cmd_ars_status, num_records));
static_assert(sizeof(ArsRecord) == sizeof(nd_cmd_ars_status::nd_ars_record));
static_assert(offsetof(ArsRecord, length) == offsetof(nd_cmd_ars_status::nd_ars_record, length));
static_assert(sizeof(ClearErrorPayload) == sizeof(nd_cmd_clear_error));
static_assert(offsetof(ClearErrorPayload, cleared) == offsetof(nd_cmd_clear_error, cleared));

static_assert(kConfigSizeLength == sizeof(nd_cmd_get_config_size));
static_assert(kGetConfigHead == sizeof(nd_cmd_get_config_data_hdr));
static_assert(kSetConfigHead == sizeof(nd_cmd_set_config_hdr));
static_assert(kCallHeader == offsetof(nd_cmd_pkg, nd_payload));

TEST(NdctlUapi, IsWhatThisFileWasCompiledWith) { SUCCEED(); }

}  // namespace
}  // namespace nvdimmfs::core
