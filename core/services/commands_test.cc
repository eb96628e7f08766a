// SPDX-License-Identifier: Apache-2.0
// The control commands of a DIMM and of its bus, with the answers of a kernel (Linux 6.1 on QEMU's
// NVDIMM).
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cstring>
#include <string>
#include <vector>

#include "core/base/endian.h"
#include "core/commands/command.h"
#include "core/nd/partition.h"
#include "core/testing/system_test_util.h"

namespace nvdimmfs::core {
namespace {

constexpr uint32_t kAreaSize = 128 << 10, kMaxTransfer = 4076;

// A command's buffer, built field by field.
class Buffer {
 public:
  Buffer& U32(uint32_t value) { return Put(value); }
  Buffer& U64(uint64_t value) { return Put(value); }
  Buffer& Room(size_t size) {
    bytes.resize(bytes.size() + size, std::byte{0});
    return *this;
  }
  uint32_t At(size_t offset) const { return LoadLe<uint32_t>(bytes.data() + offset); }

  std::vector<std::byte> bytes;

 private:
  template <typename T>
  Buffer& Put(T value) {
    Room(sizeof value);
    StoreLe(bytes.data() + bytes.size() - sizeof value, value);
    return *this;
  }
};

Buffer CallOf(uint64_t family, uint64_t function, uint32_t in, uint32_t out) {
  return Buffer().U64(family).U64(function).U32(in).U32(out).Room(40 + in + out);
}

class CommandsTest : public testing::Test {
 protected:
  // "0", "12", or the name of the errno.
  std::string Run(absl::string_view name, uint32_t nr, Buffer& buffer, bool may_write = true) {
    return RunLength(name, nr, buffer, buffer.bytes.size(), may_write);
  }
  std::string RunLength(absl::string_view name, uint32_t nr, Buffer& buffer, uint64_t length,
                        bool may_write = true) {
    for (const auto& device : model.system->Devices())
      for (const Attribute& attribute : device->attributes())
        if (device->name() == name && attribute.name == "x/ioctl") {
          const auto result = model.system->RunCommand(*device, attribute,
                                                       {.nr = nr,
                                                        .may_write = may_write,
                                                        .length = length,
                                                        .buffer = absl::MakeSpan(buffer.bytes)});
          return result.ok() ? absl::StrCat(*result) : ErrnoName(ErrnoOf(result.status()));
        }
    return "none";
  }
  std::string Dimm(uint32_t nr, Buffer buffer, bool may_write = true) {
    return Run("nmem0", nr, buffer, may_write);
  }
  std::string BusCall(Buffer buffer) { return Run("ndctl0", 10, buffer); }
  std::string DimmCall(Buffer buffer) { return Run("nmem0", 10, buffer); }

  Model model{{.labels = &LabelV1_2()}};
};

TEST_F(CommandsTest, TheSizeAndTheLongestTransfer) {
  Buffer buffer;
  EXPECT_EQ(Run("nmem0", 4, buffer.Room(12)), "0");
  EXPECT_EQ(buffer.At(0), 0u);
  EXPECT_EQ(buffer.At(4), kAreaSize);
  EXPECT_EQ(buffer.At(8), kMaxTransfer);
}

TEST_F(CommandsTest, LabelsAreRead) {
  Buffer buffer;
  EXPECT_EQ(Run("nmem0", 5, buffer.U32(0).U32(16).Room(4 + 16)), "0");
  EXPECT_EQ(buffer.At(8), 0u);
  EXPECT_EQ(std::memcmp(buffer.bytes.data() + 12, "NAMESPACE_INDEX", 16), 0);
}

TEST_F(CommandsTest, ReadingPastTheEndIsTheFirmwaresToRefuse) {
  Buffer buffer;
  EXPECT_EQ(Run("nmem0", 5, buffer.U32(kAreaSize - 8).U32(16).Room(4 + 16)), "16");
  EXPECT_EQ(buffer.At(8), 3u);
}

TEST_F(CommandsTest, ReadingMoreThanATransferIsTheFirmwaresToRefuse) {
  Buffer buffer;
  EXPECT_EQ(Run("nmem0", 5, buffer.U32(0).U32(kMaxTransfer + 1).Room(4 + kMaxTransfer + 1)),
            "4077");
  EXPECT_EQ(buffer.At(8), 3u);
}

TEST_F(CommandsTest, LabelsInUseAreNotWritten) {
  EXPECT_EQ(Dimm(6, Buffer().U32(0).U32(4).U32(0).Room(4)), "EBUSY");
  Buffer call = CallOf(0, 6, 12, 4);
  StoreLe<uint32_t>(call.bytes.data() + 68, 4);
  EXPECT_EQ(DimmCall(call), "EBUSY");
}

TEST_F(CommandsTest, LabelsOfADisabledRegionAreWritten) {
  ASSERT_EQ(model.Unbind("nd_region", "region0"), "");
  Buffer buffer;
  EXPECT_EQ(Run("nmem0", 6, buffer.U32(8).U32(4).U32(0x12345678).Room(4)), "0");
  EXPECT_EQ(buffer.At(12), 0u);
  std::byte stored[4];
  ASSERT_TRUE(model.labels->Read(8, absl::MakeSpan(stored)).ok());
  EXPECT_EQ(LoadLe<uint32_t>(stored), 0x12345678u);
}

TEST_F(CommandsTest, WritingPastTheEndIsTheFirmwaresToRefuse) {
  ASSERT_EQ(model.Unbind("nd_region", "region0"), "");
  Buffer buffer;
  EXPECT_EQ(Run("nmem0", 6, buffer.U32(kAreaSize - 2).U32(4).U32(0).Room(4)), "0");
  EXPECT_EQ(buffer.At(12), 3u);
}

TEST_F(CommandsTest, OtherCommandsDoNotExist) {
  for (const uint32_t nr : {0, 1, 2, 3, 7, 8, 9, 11, 31, 200})
    EXPECT_EQ(Dimm(nr, Buffer().Room(64)), "ENOTTY") << nr;
  for (const uint32_t nr : {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 11}) {
    Buffer buffer;
    EXPECT_EQ(Run("ndctl0", nr, buffer.Room(64)), "ENOTTY") << nr;
  }
}

TEST_F(CommandsTest, ADescriptorForReadingMayOnlyReadLabels) {
  EXPECT_EQ(Dimm(4, Buffer().Room(12), false), "EPERM");
  EXPECT_EQ(Dimm(5, Buffer().U32(0).U32(4).Room(8), false), "0");
  EXPECT_EQ(Dimm(6, Buffer().U32(0).U32(4).Room(8), false), "EPERM");
  EXPECT_EQ(Dimm(10, CallOf(0, 4, 0, 12), false), "EPERM");
}

TEST_F(CommandsTest, CallTellsHowMuchTheFirmwareSaid) {
  Buffer whole = CallOf(0, 4, 0, 12), cut = CallOf(0, 4, 0, 4);
  EXPECT_EQ(Run("nmem0", 10, whole), "0");
  EXPECT_EQ(whole.At(60), 12u);
  EXPECT_EQ(whole.At(68), kAreaSize);
  EXPECT_EQ(Run("nmem0", 10, cut), "0");
  EXPECT_EQ(cut.At(60), 12u);
}

TEST_F(CommandsTest, CallOfWhatIsNotThere) {
  EXPECT_EQ(DimmCall(CallOf(0, 0, 0, 4)), "ENOTTY");
  EXPECT_EQ(DimmCall(CallOf(0, 1, 0, 132)), "ENOTTY");
  EXPECT_EQ(DimmCall(CallOf(0, uint64_t{1} << 40, 0, 4)), "ENOTTY");
  for (const uint64_t family : {1, 5, 6}) EXPECT_EQ(DimmCall(CallOf(family, 4, 0, 12)), "EINVAL");
  for (const uint64_t function : {0, 5, 10})
    EXPECT_EQ(BusCall(CallOf(0, function, 0, 8)), "ENOTTY");
  EXPECT_EQ(BusCall(CallOf(1, 1, 0, 8)), "EINVAL");
}

TEST_F(CommandsTest, CallWithAReservedWordSet) {
  Buffer call = CallOf(0, 4, 0, 12);
  StoreLe<uint32_t>(call.bytes.data() + 24, 1);
  EXPECT_EQ(DimmCall(call), "EINVAL");
}

TEST_F(CommandsTest, ABufferThatIsTooLongOrTooShort) {
  Buffer none;
  EXPECT_EQ(RunLength("nmem0", 5, none, 8 << 20), "EINVAL");
  EXPECT_EQ(RunLength("nmem0", 10, none, 8 << 20), "EINVAL");
  EXPECT_EQ(Dimm(4, Buffer().Room(11)), "EINVAL");
  EXPECT_EQ(Dimm(10, Buffer().Room(63)), "EINVAL");
  Buffer call = CallOf(0, 4, 0, 12);
  call.bytes.resize(70);
  EXPECT_EQ(DimmCall(call), "EINVAL");
}

TEST_F(CommandsTest, CallOfALabelFunctionWithoutItsInput) {
  Buffer call = CallOf(0, 5, 4, 4);
  EXPECT_EQ(Run("nmem0", 10, call), "0");
  EXPECT_EQ(call.At(68), 3u);
}

TEST_F(CommandsTest, ADimmWithoutALabelAreaHasNoCommands) {
  Model bare({.label_size = 0});
  std::swap(model.system, bare.system);
  EXPECT_EQ(Dimm(4, Buffer().Room(12)), "ENOTTY");
  EXPECT_EQ(DimmCall(CallOf(0, 4, 0, 12)), "EINVAL");
  std::swap(model.system, bare.system);
}

TEST_F(CommandsTest, NodesHaveTheNumbersThatTheirMakerSays) {
  const std::string before = "dimm=245 control=246 dax=252 disk=259 first_disk=0 disk_step=1\n";
  EXPECT_EQ(model.Get("nd/x/numbers"), before);
  for (const char* text : {"dimm", "dimm=", "dimm=0", "dimm=4096", "dimm=-1", "dimm=246", "dax=245",
                           "a=1", "disk_step=0", "first_disk=1048576", "dimm=300 b"})
    EXPECT_EQ(model.Set("nd/x/numbers", text), "EINVAL") << text;
  EXPECT_EQ(model.Get("nd/x/numbers"), before);
  EXPECT_EQ(model.Set("nd/x/numbers", "dimm=511 control=234\n"), "");
  EXPECT_EQ(model.Get("nmem0/dev"), "511:0\n");
  EXPECT_EQ(model.Get("ndctl0/dev"), "234:0\n");
  EXPECT_THAT(model.Get("nmem0/uevent"), testing::StartsWith("MAJOR=511\nMINOR=0\n"));
  const auto dimm = model.system->Find("nmem0");
  const auto link = model.system->WithLock([&] { return dimm->node_link(); });
  ASSERT_TRUE(link.has_value());
  EXPECT_EQ(link->path, "sys/dev/char/511:0");
}

TEST_F(CommandsTest, DisksHaveTheNumbersThatTheirMakerSays) {
  Model model({.label_size = 0});
  EXPECT_EQ(model.Get("pmem0/dev"), "259:0\n");
  EXPECT_EQ(model.Get("259:0/max_ratio"), "100\n");
  EXPECT_EQ(model.Set("nd/x/numbers", "disk=7 first_disk=65537 disk_step=4"), "");
  EXPECT_EQ(model.Get("pmem0/dev"), "7:65537\n");
  EXPECT_THAT(model.Get("pmem0/uevent"), testing::StartsWith("MAJOR=7\nMINOR=65537\n"));
  EXPECT_EQ(model.Get("7:65537/max_ratio"), "100\n");
}

TEST_F(CommandsTest, ADiskHasThePartitionsThatItsMakerSays) {
  Model model({.label_size = 0});
  EXPECT_EQ(model.Set("nd/x/partitions", "pmem0\n1 2048 8192 259:5\n2 10240 8 259:6\n"), "");
  EXPECT_EQ(model.Get("pmem0p1/size"), "8192\n");
  EXPECT_EQ(model.Get("pmem0p2/dev"), "259:6\n");
  EXPECT_THAT(model.Get("pmem0p2/uevent"), testing::HasSubstr("DEVTYPE=partition\nPARTN=2\n"));
  for (const char* text : {"", "pmem9\n", "pmem0\n1 2 3", "pmem0\n0 1 2 3:4", "pmem0\n1 1 2 3",
                           "pmem0\n1 1 2 4096:1", "pmem0\n1 1 2 a:b"})
    EXPECT_NE(model.Set("nd/x/partitions", text), "") << text;
  EXPECT_EQ(model.Set("nd/x/partitions", "pmem0\n2 10240 8 259:6\n"), "");
  EXPECT_EQ(model.Get("pmem0p2/start"), "10240\n");
  const auto devices = model.system->Devices();
  EXPECT_TRUE(std::none_of(devices.begin(), devices.end(),
                           [](const auto& device) { return device->name() == "pmem0p1"; }));
  EXPECT_EQ(PartitionName("pmem0s", 1), "pmem0s1");
  EXPECT_EQ(PartitionName("pmem0.1", 2), "pmem0.1p2");
}

}  // namespace
}  // namespace nvdimmfs::core
