// SPDX-License-Identifier: Apache-2.0
#include "core/model/last_error.h"

#include <gtest/gtest.h>

#include <cerrno>

#include "core/base/status.h"

namespace nvdimmfs::core {
namespace {

TEST(LastErrorTest, NothingWentWrong) {
  EXPECT_EQ(LastError().Text(), "");
  EXPECT_EQ(LastError().Json(), "null");
}

TEST(LastErrorTest, ARefusalHasErrnoAndReason) {
  const LastError refusal =
      LastError::OfRefusal("size", Refusal(EINVAL, "namespace.size.align", "not a multiple"));
  EXPECT_EQ(refusal.Text(), "size: not a multiple [EINVAL, namespace.size.align]");
  EXPECT_EQ(refusal.Json(),
            "{\"errno\":\"EINVAL\",\"reason\":\"namespace.size.align\","
            "\"sentence\":\"size: not a multiple\"}");
}

TEST(LastErrorTest, ANoteHasNoErrno) {
  const LastError note = LastError::OfNote("one\ntwo", "label.slot.checksum");
  EXPECT_EQ(note.Text(), "one\ntwo");
  EXPECT_EQ(note.Json(),
            "{\"errno\":null,\"reason\":\"label.slot.checksum\",\"sentence\":\"one\\ntwo\"}");
  EXPECT_EQ(LastError::OfNote("one", "").Json(),
            "{\"errno\":null,\"reason\":null,\"sentence\":\"one\"}");
}

TEST(LastErrorTest, TheSentenceIsWhatOthersChose) {
  const absl::Status hostile = Refusal(EBUSY, "namespace.busy", "\"db\\\x1b\xff [EIO, none]");
  EXPECT_EQ(LastError::OfRefusal(hostile).Json(),
            "{\"errno\":\"EBUSY\",\"reason\":\"namespace.busy\","
            "\"sentence\":\"\\\"db\\\\\\u001b\xef\xbf\xbd [EIO, none]\"}");
}

TEST(LastErrorTest, TheLaterOneWins) {
  const LastError first = LastError::OfNote("first", "");
  const LastError second = LastError::OfRefusal(Refusal(EIO, "media.poison", "second"));
  EXPECT_EQ(first.LaterOf(second).sentence, "second");
  EXPECT_EQ(second.LaterOf(first).sentence, "second");
  EXPECT_EQ(LastError().LaterOf(first).sentence, "first");
}

}  // namespace
}  // namespace nvdimmfs::core
