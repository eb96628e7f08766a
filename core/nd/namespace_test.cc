// SPDX-License-Identifier: Apache-2.0
// The kernel's rules for namespaces, claims and seeds, as facts about what each write answers.
#include "core/nd/namespace.h"

#include <gtest/gtest.h>

#include "core/media/media_slice.h"
#include "core/model/data_node.h"
#include "core/testing/system_test_util.h"

namespace nvdimmfs::core {
namespace {

constexpr char kA[] = "11111111-2222-3333-4444-555555555501\n";
constexpr char kB[] = "11111111-2222-3333-4444-555555555502\n";
constexpr char kC[] = "11111111-2222-3333-4444-555555555503\n";
constexpr char k64M[] = "67108864\n";

Model Labelled(const LabelVersion& version = LabelV1_2()) { return Model({.labels = &version}); }

TEST(BlankRegion, IsOneLabellessNamespaceThatIsEnabled) {
  Model m;
  EXPECT_EQ(m.Get("region0/nstype"), "4\n");
  EXPECT_EQ(m.Get("region0/available_size"), "268435456\n");
  EXPECT_EQ(m.Get("region0/set_cookie"), "0xba90120012b4dc\n");
  EXPECT_EQ(m.Get("nmem0/available_slots"), "509\n");
  EXPECT_EQ(m.Get("nmem0/flags"), "\n");
  EXPECT_EQ(m.Get("namespace0.0/size"), "268435456\n");
  EXPECT_EQ(m.Get("namespace0.0/uuid"), "!ENOENT");
  EXPECT_TRUE(m.Bound("namespace0.0"));
  EXPECT_EQ(m.Get("namespace0.0/mode"), "raw\n");
}

TEST(LabellessRegion, HasNoSlotsAndTheV11Cookie) {
  Model m({.size = 64 << 20, .label_size = 0});
  EXPECT_EQ(m.Get("nmem0/available_slots"), "!ENXIO");
  EXPECT_EQ(m.Get("nmem0/state"), "idle\n");
  EXPECT_EQ(m.Get("nmem0/nfit/family"), "!ENXIO");
  EXPECT_EQ(m.Get("region0/set_cookie"), "0x2468ac00123456\n");
  EXPECT_EQ(m.Get("region0/available_size"), "0\n");
}

TEST(BlankRegion, TakesLabelsIntoUseWhenItsUuidIsCreated) {
  Model m;
  const auto ns = m.system->Find("namespace0.0");
  ASSERT_TRUE(m.system->CreateAttribute(*ns, "uuid").ok());
  EXPECT_EQ(m.Get("region0/nstype"), "5\n");
  EXPECT_EQ(m.Set("namespace0.0/uuid", kA), "");
  EXPECT_EQ(m.Get("nmem0/flags"), "label \n");
}

TEST(LabellessRegion, CannotTakeLabelsIntoUse) {
  Model m({.size = 64 << 20, .label_size = 0});
  EXPECT_EQ(ErrnoOf(m.system->CreateAttribute(*m.system->Find("namespace0.0"), "uuid")), EACCES);
}

TEST(LabelledRegion, PublishesOneEmptyNamespace) {
  for (const LabelVersion* version : {&LabelV1_1(), &LabelV1_2()}) {
    Model m = Labelled(*version);
    EXPECT_EQ(m.Get("region0/nstype"), "5\n");
    EXPECT_EQ(m.Get("region0/init_namespaces"), "1/1\n");
    EXPECT_EQ(m.Get("namespace0.0/size"), "0\n");
    EXPECT_EQ(m.Get("namespace0.0/uuid"), "\n");
    EXPECT_EQ(m.Get("namespace0.0/resource"), "!ENXIO");
    EXPECT_FALSE(m.Bound("namespace0.0"));
    EXPECT_EQ(m.Get("nmem0/available_slots"), version == &LabelV1_1() ? "1019\n" : "509\n");
    EXPECT_EQ(m.Get("region0/set_cookie"),
              version == &LabelV1_1() ? "0x2468ac00123456\n" : "0xba90120012b4dc\n");
  }
}

TEST(NamespaceSize, AnswersInTheKernelsOrderOfChecks) {
  Model m = Labelled();
  EXPECT_EQ(m.Set("namespace0.0/size", "x\n"), "EINVAL");
  EXPECT_EQ(m.Set("namespace0.0/size", "0x10000000000000000\n"), "ERANGE");
  EXPECT_EQ(m.Set("namespace0.0/size", k64M), "ENXIO");  // no uuid
  EXPECT_EQ(m.Set("namespace0.0/size", "0\n"), "ENXIO");
  EXPECT_EQ(m.Set("namespace0.0/uuid", kA), "");
  EXPECT_EQ(m.Set("namespace0.0/size", "4096\n"), "EINVAL");  // region align
  EXPECT_EQ(m.Set("namespace0.0/size", "285212672\n"), "ENOSPC");
  EXPECT_EQ(m.Set("namespace0.0/size", "+0x4000000"), "");
  EXPECT_EQ(m.Get("namespace0.0/size"), k64M);
  EXPECT_EQ(m.Get("namespace0.0/resource"), "0x100000000\n");
  EXPECT_EQ(m.Get("namespace0.0/dpa_extents"), "1\n");
  EXPECT_EQ(m.Get("region0/available_size"), "201326592\n");
  EXPECT_EQ(m.Bind("nd_pmem", "namespace0.0"), "");
  EXPECT_EQ(m.Set("namespace0.0/size", k64M), "EBUSY");
}

TEST(NamespaceStats, AreThereWhileItIsEnabled) {
  Model m = Labelled();
  m.Set("namespace0.0/uuid", kA);
  m.Set("namespace0.0/size", k64M);
  EXPECT_EQ(m.Get("namespace0.0/x/stats"), "!ENXIO");
  EXPECT_EQ(m.Bind("nd_pmem", "namespace0.0"), "");
  EXPECT_EQ(m.Get("namespace0.0/x/stats").substr(0, 8), "reads 0\n");
}

TEST(NamespaceHolders, AreCountedWhileItsDataFileIsOpen) {
  Model m = Labelled();
  m.Set("namespace0.0/uuid", kA);
  m.Set("namespace0.0/size", k64M);
  EXPECT_EQ(m.Get("namespace0.0/x/holders"), "0\n");
  EXPECT_EQ(m.Bind("nd_pmem", "namespace0.0"), "");
  EXPECT_EQ(m.Get("namespace0.0/x/holders"), "0\n");
  const auto ns = std::static_pointer_cast<Namespace>(m.system->Find("namespace0.0"));
  DataNode& node = *m.system->WithLock([&] { return ns->node(); });
  node.AddHolder();
  EXPECT_EQ(m.Get("namespace0.0/x/holders"), "1\n");
  node.DropHolder();
  EXPECT_EQ(m.Get("namespace0.0/x/holders"), "0\n");
}

TEST(NamespaceSize, IsEinvalWithTheSentenceInLastError) {
  Model m = Labelled();
  m.Set("namespace0.0/uuid", kA);
  m.Set("namespace0.0/size", "1000\n");
  EXPECT_EQ(m.Get("namespace0.0/x/last_error"),
            "namespace0.0/size: size 1000: not a multiple of region0's align 16777216; the nearest "
            "are 0 and 16777216 [EINVAL, namespace.size.align]\n");
  EXPECT_EQ(m.Get("namespace0.0/x/last_error.json"),
            "{\"errno\":\"EINVAL\",\"reason\":\"namespace.size.align\",\"sentence\":"
            "\"namespace0.0/size: size 1000: not a multiple of region0's align 16777216; the "
            "nearest are 0 and 16777216\"}\n");
  EXPECT_EQ(m.Get("ndbus0/x/last_error"), m.Get("namespace0.0/x/last_error"));
  EXPECT_EQ(m.Get("region0/x/last_error.json"), "null\n");
}

TEST(NamespaceSize, ZeroDeletesAndKeepsTheSeed) {
  Model m = Labelled();
  m.Set("namespace0.0/uuid", kA);
  m.Set("namespace0.0/alt_name", "keep\n");
  m.Set("namespace0.0/size", k64M);
  EXPECT_EQ(m.Set("namespace0.0/size", "0\n"), "");
  EXPECT_EQ(m.Get("namespace0.0/uuid"), "\n");
  EXPECT_EQ(m.Get("namespace0.0/alt_name"), "keep\n");
  EXPECT_EQ(m.Set("namespace0.0/size", "0\n"), "ENXIO");
  EXPECT_EQ(m.Get("region0/available_size"), "268435456\n");
}

TEST(NamespaceSize, ZeroRemovesANamespaceThatIsNeitherFirstNorSeed) {
  Model m = Labelled();
  for (const char* uuid : {kA, kB, kC}) {
    const std::string ns = m.Get("region0/namespace_seed");
    const std::string name = ns.substr(0, ns.size() - 1);
    EXPECT_EQ(m.Set(name + "/uuid", uuid), "");
    EXPECT_EQ(m.Set(name + "/size", k64M), "");
    EXPECT_EQ(m.Bind("nd_pmem", name), "");
  }
  EXPECT_EQ(m.Get("region0/namespace_seed"), "namespace0.3\n");
  EXPECT_EQ(m.Unbind("nd_pmem", "namespace0.1"), "");
  EXPECT_EQ(m.Set("namespace0.1/size", "0\n"), "");
  EXPECT_FALSE(m.Exists("namespace0.1"));
  EXPECT_EQ(m.Get("region0/max_available_extent"), k64M);
  // Its number is the next to be given.
  EXPECT_EQ(m.Set("namespace0.3/uuid", kB), "");
  EXPECT_EQ(m.Set("namespace0.3/size", "16777216\n"), "");
  EXPECT_EQ(m.Get("namespace0.3/resource"), "0x104000000\n");
  EXPECT_EQ(m.Bind("nd_pmem", "namespace0.3"), "");
  EXPECT_EQ(m.Get("region0/namespace_seed"), "namespace0.1\n");
}

TEST(NamespaceUuid, MayBeNil) {
  constexpr char kNil[] = "00000000-0000-0000-0000-000000000000\n";
  Model m = Labelled();
  EXPECT_EQ(m.Get("namespace0.0/uuid"), "\n");
  EXPECT_EQ(m.Set("namespace0.0/uuid", kNil), "");
  EXPECT_EQ(m.Get("namespace0.0/uuid"), kNil);
  EXPECT_EQ(m.Set("namespace0.0/size", "33554432"), "");
  EXPECT_EQ(m.Bind("nd_pmem", "namespace0.0"), "");
  EXPECT_EQ(m.Get("namespace0.1/uuid"), "\n");
  EXPECT_EQ(m.Get("namespace0.1/dpa_extents"), "0\n");
  EXPECT_EQ(m.Set("namespace0.1/uuid", kNil), "EINVAL");
  m.Restart();
  EXPECT_EQ(m.Get("namespace0.0/uuid"), kNil);
  EXPECT_EQ(m.Get("namespace0.0/size"), "33554432\n");
}

TEST(NamespaceUuid, IsUsedOnceAndRenamesWhileALabelExists) {
  Model m = Labelled();
  EXPECT_EQ(m.Set("namespace0.0/uuid", "short\n"), "EINVAL");
  EXPECT_EQ(m.Set("namespace0.0/uuid", kA), "");
  EXPECT_EQ(m.Set("namespace0.0/uuid", kA), "EINVAL");
  EXPECT_EQ(m.Set("namespace0.0/uuid", kB), "EBUSY");  // no label to rename
  EXPECT_EQ(m.Set("namespace0.0/size", k64M), "");
  EXPECT_EQ(m.Set("namespace0.0/uuid", kB), "");
  m.Restart();
  EXPECT_EQ(m.Get("namespace0.0/uuid"), kB);
  EXPECT_EQ(m.Get("namespace0.0/size"), k64M);
}

TEST(Namespace, ComesBackAfterARestart) {
  Model m = Labelled(LabelV1_1());
  m.Set("namespace0.0/uuid", kA);
  m.Set("namespace0.0/size", k64M);
  m.Set("namespace0.0/sector_size", "4096\n");
  m.Set("namespace0.0/alt_name", "  my name \n");
  m.Restart();
  EXPECT_EQ(m.Get("namespace0.0/uuid"), kA);
  EXPECT_EQ(m.Get("namespace0.0/alt_name"), "my name\n");
  EXPECT_EQ(m.Get("namespace0.0/sector_size"), "512 [4096] \n");
  EXPECT_TRUE(m.Bound("namespace0.0"));
  EXPECT_EQ(m.Get("pmem0/queue/logical_block_size"), "4096\n");
}

TEST(HolderClass, IsKeptByV12LabelsOnly) {
  for (const LabelVersion* version : {&LabelV1_1(), &LabelV1_2()}) {
    Model m = Labelled(*version);
    m.Set("namespace0.0/uuid", kA);
    m.Set("namespace0.0/size", k64M);
    EXPECT_EQ(m.Set("namespace0.0/holder_class", "none\n"), "EINVAL");
    EXPECT_EQ(m.Set("namespace0.0/holder_class", "pfn"), "");
    m.Restart();
    EXPECT_EQ(m.Get("namespace0.0/holder_class"), version == &LabelV1_1() ? "\n" : "pfn\n");
  }
}

TEST(HolderClass, OfALabellessNamespaceChangesAndStillAnswersEnxio) {
  Model m;
  m.Unbind("nd_pmem", "namespace0.0");
  EXPECT_EQ(m.Set("namespace0.0/holder_class", "pfn\n"), "ENXIO");
  EXPECT_EQ(m.Get("namespace0.0/holder_class"), "pfn\n");
}

TEST(Btt, ClaimsServesAndGivesUp) {
  Model m = Labelled();
  m.Set("namespace0.0/uuid", kA);
  m.Set("namespace0.0/size", k64M);
  EXPECT_EQ(m.Bind("nd_pmem", "btt0.0"), "ENODEV");  // no namespace
  EXPECT_EQ(m.Set("btt0.0/namespace", "bogus\n"), "EINVAL");
  EXPECT_EQ(m.Set("btt0.0/namespace", "namespace9.9\n"), "ENODEV");
  EXPECT_EQ(m.Set("btt0.0/namespace", "namespace0.0\n"), "");
  EXPECT_EQ(m.Set("btt0.0/namespace", "namespace0.0\n"), "EBUSY");
  EXPECT_EQ(m.Bind("nd_pmem", "btt0.0"), "ENODEV");  // no uuid, no sector size
  EXPECT_EQ(m.Set("btt0.0/uuid", kB), "");
  EXPECT_EQ(m.Set("btt0.0/sector_size", "513\n"), "EINVAL");
  EXPECT_EQ(m.Set("btt0.0/sector_size", "4096\n"), "");
  EXPECT_EQ(m.Bind("nd_pmem", "namespace0.0"), "ENXIO");  // claimed
  EXPECT_EQ(m.Get("btt0.0/size"), "!ENXIO");
  EXPECT_EQ(m.Bind("nd_pmem", "btt0.0"), "");
  EXPECT_EQ(m.Get("namespace0.0/mode"), "safe\n");
  EXPECT_EQ(m.Get("namespace0.0/holder"), "btt0.0\n");
  EXPECT_EQ(m.Get("region0/btt_seed"), "btt0.1\n");
  EXPECT_EQ(m.Get("region0/namespace_seed"), "namespace0.1\n");
  EXPECT_EQ(m.Set("namespace0.0/size", "0\n"), "EBUSY");
  EXPECT_EQ(m.Set("btt0.0/uuid", kC), "EBUSY");
  EXPECT_EQ(m.Unbind("nd_pmem", "btt0.0"), "");
  EXPECT_EQ(m.Get("btt0.0/namespace"), "namespace0.0\n");
  EXPECT_EQ(m.Set("btt0.0/namespace", "\n"), "");
  EXPECT_FALSE(m.Exists("btt0.0"));
  EXPECT_EQ(m.Get("namespace0.0/mode"), "raw\n");
  // Its mark is still there, so binding the namespace finds it again.
  EXPECT_EQ(m.Bind("nd_pmem", "namespace0.0"), "ENXIO");
  EXPECT_EQ(m.Get("namespace0.0/holder"), "btt0.0\n");
  EXPECT_TRUE(m.Bound("btt0.0"));
}

TEST(Btt, AnEmptyLineResetsASeedThatHasNoNamespace) {
  Model m = Labelled();
  m.Set("btt0.0/uuid", kB);
  m.Set("btt0.0/sector_size", "512\n");
  EXPECT_EQ(m.Set("btt0.0/namespace", "\n"), "");
  EXPECT_EQ(m.Get("btt0.0/uuid"), "\n");
  EXPECT_EQ(m.Get("btt0.0/sector_size"), "512 520 528 4096 4104 4160 4224 \n");
}

TEST(Btt, FailureInsideStartUpIsEnomemAndKeepsTheClaim) {
  Model m = Labelled();
  m.Set("namespace0.0/uuid", kA);
  m.Set("namespace0.0/size", k64M);
  m.Set("btt0.0/uuid", kB);
  m.Set("btt0.0/sector_size", "512\n");
  m.Set("btt0.0/namespace", "namespace0.0\n");
  m.layer.fail = true;
  EXPECT_EQ(m.Bind("nd_pmem", "btt0.0"), "ENOMEM");
  EXPECT_EQ(m.Get("namespace0.0/holder"), "btt0.0\n");
  EXPECT_NE(m.Get("btt0.0/x/last_error").find("the log is corrupt"), std::string::npos);
}

TEST(Pfn, ModeComparesAllButTheLastCharacter) {
  Model m = Labelled();
  for (const char* text : {"pmem\n", "pme", "pmemx", "pm\n", "x", "\n"}) {
    m.Set("pfn0.0/mode", "none\n");
    EXPECT_EQ(m.Set("pfn0.0/mode", text), "") << text;
    EXPECT_EQ(m.Get("pfn0.0/mode"), "pmem\n") << text;
  }
  EXPECT_EQ(m.Set("pfn0.0/mode", "bogus\n"), "EINVAL");
  EXPECT_EQ(m.Set("pfn0.0/mode", absl::string_view("ram\0", 4)), "");
  EXPECT_EQ(m.Get("pfn0.0/mode"), "ram\n");
}

TEST(Pfn, MakesAnInfoBlockThatIsFoundAgain) {
  for (const char* kind : {"pfn", "dax"}) {
    Model m = Labelled();
    const std::string claim = absl::StrCat(kind, "0.0");
    const char* driver = kind[0] == 'p' ? "nd_pmem" : "dax_pmem";
    m.Set("namespace0.0/uuid", kA);
    m.Set("namespace0.0/size", k64M);
    m.Set(claim + "/uuid", kB);
    m.Set(claim + "/namespace", "namespace0.0\n");
    EXPECT_EQ(m.Bind(driver, claim), "ENXIO");  // mode none
    m.Set(claim + "/mode", "pmem\n");
    EXPECT_EQ(m.Set(claim + "/align", "1073741824\n"), "");
    EXPECT_EQ(m.Bind(driver, claim), "ENXIO");  // no room
    m.Set(claim + "/align", "4096\n");
    EXPECT_EQ(m.Bind(driver, claim), "");
    EXPECT_EQ(m.Get(claim + "/size"), "65011712\n");
    EXPECT_EQ(m.Get(claim + "/resource"), "0x100200000\n");
    m.Restart();
    EXPECT_EQ(m.Get("namespace0.0/holder"), absl::StrCat(kind, "0.1\n"));
    EXPECT_EQ(m.Get(absl::StrCat(kind, "0.1/uuid")), kB);
    EXPECT_EQ(m.Get(absl::StrCat(kind, "0.1/align")), "4096\n");
    EXPECT_EQ(m.Get("namespace0.0/mode"), kind[0] == 'p' ? "memory\n" : "dax\n");
  }
}

TEST(Dimm, UnboundUnderAnEnabledRegionLosesNothing) {
  Model m = Labelled();
  m.Set("namespace0.0/uuid", kA);
  m.Set("namespace0.0/size", k64M);
  EXPECT_EQ(m.Unbind("nvdimm", "nmem0"), "");
  EXPECT_EQ(m.Get("nmem0/state"), "active\n");
  EXPECT_EQ(m.Get("nmem0/available_slots"), "!ENXIO");
  EXPECT_EQ(m.Get("region0/available_size"), "0\n");
  EXPECT_EQ(m.Set("namespace0.0/size", "0\n"), "ENXIO");
  EXPECT_EQ(m.Bind("nvdimm", "nmem0"), "");
  EXPECT_EQ(m.Get("region0/available_size"), "201326592\n");
  EXPECT_EQ(m.Set("namespace0.0/size", "0\n"), "");
}

TEST(Region, DisabledShowsWhatTheKernelShows) {
  Model m = Labelled();
  EXPECT_EQ(m.Unbind("nd_region", "region0"), "");
  EXPECT_FALSE(m.Exists("namespace0.0"));
  EXPECT_EQ(m.Get("region0/namespace_seed"), "\n");
  EXPECT_EQ(m.Get("region0/badblocks"), "!ENXIO");
  EXPECT_EQ(m.Get("region0/init_namespaces"), "!ENXIO");
  EXPECT_EQ(m.Get("region0/available_size"), "268435456\n");
  EXPECT_EQ(m.Get("nmem0/state"), "idle\n");
  EXPECT_EQ(m.Unbind("nvdimm", "nmem0"), "");
  EXPECT_EQ(m.Bind("nd_region", "region0"), "ENXIO");
  EXPECT_EQ(m.Bind("nvdimm", "nmem0"), "");
  EXPECT_EQ(m.Bind("nd_region", "region0"), "");
  EXPECT_TRUE(m.Exists("namespace0.0"));
}

TEST(Region, AlignTakesPowersOfTwoUpToItsSize) {
  Model m = Labelled();
  for (const char* bad : {"0", "1", "0x3000", "0x10000001", "0x20000000"})
    EXPECT_EQ(m.Set("region0/align", bad), "EINVAL") << bad;
  for (const char* good : {"4096", "0x200000", "0x2000000"})
    EXPECT_EQ(m.Set("region0/align", good), "") << good;
}

TEST(Drivers, AnswerEnodevToWhatIsNotTheirs) {
  Model m = Labelled();
  EXPECT_EQ(m.Bind("nd_pmem", "dax0.0"), "ENODEV");
  EXPECT_EQ(m.Bind("dax_pmem", "namespace0.0"), "ENODEV");
  EXPECT_EQ(m.Bind("nd_pmem", "nothing"), "ENODEV");
  EXPECT_EQ(m.Bind("nd_region", "region0"), "EBUSY");
  EXPECT_EQ(m.Unbind("nd_pmem", "region0"), "ENODEV");
  EXPECT_EQ(m.Bind("nd_pmem", "namespace0.0"), "ENODEV");  // size 0
}

TEST(Create, MakesAnEnabledNamespaceOfEveryMode) {
  Model m = Labelled();
  EXPECT_EQ(m.Set("region0/x/create", "size=32M name=plain\n"), "");
  EXPECT_EQ(m.Get("region0/x/create"), "namespace0.0\n");
  EXPECT_EQ(m.Set("region0/x/create", "size=32M mode=sector name=log sector_size=512"), "");
  EXPECT_EQ(m.Set("region0/x/create", "size=32M mode=fsdax"), "");
  EXPECT_EQ(m.Set("region0/x/create", "size=32M mode=devdax align=2M map=mem"), "");
  EXPECT_EQ(m.Get("namespace0.0/mode"), "raw\n");
  EXPECT_EQ(m.Get("namespace0.1/mode"), "safe\n");
  EXPECT_EQ(m.Get("namespace0.1/alt_name"), "log\n");
  EXPECT_EQ(m.Get("namespace0.2/mode"), "memory\n");
  EXPECT_EQ(m.Get("namespace0.3/mode"), "dax\n");
  EXPECT_EQ(m.Get("region0/available_size"), "134217728\n");
  for (const char* name : {"namespace0.0", "namespace0.1", "namespace0.2", "namespace0.3"})
    EXPECT_EQ(m.Set("region0/x/destroy", name), "");
  EXPECT_EQ(m.Get("region0/available_size"), "268435456\n");
}

TEST(Create, ARefusalLeavesTheRegionAsItWas) {
  Model m = Labelled();
  EXPECT_EQ(m.Set("region0/x/create", "size=1000\n"), "EINVAL");
  EXPECT_EQ(m.Set("region0/x/create", "size=1T\n"), "ENOSPC");
  EXPECT_EQ(m.Set("region0/x/create", "size=32M mode=devdax align=1G\n"), "ENXIO");
  EXPECT_EQ(m.Set("region0/x/create", "colour=red\n"), "EINVAL");
  EXPECT_EQ(m.Set("region0/x/create", "mode=sector sector_size=513\n"), "EINVAL");
  EXPECT_EQ(m.Get("region0/available_size"), "268435456\n");
  EXPECT_EQ(m.Get("namespace0.0/uuid"), "\n");
  EXPECT_EQ(m.Get("namespace0.0/alt_name"), "\n");
  EXPECT_EQ(m.Get("nmem0/available_slots"), "509\n");
  EXPECT_FALSE(m.Exists("namespace0.1"));
  EXPECT_EQ(m.Set("region0/x/create", "mode=raw"), "");  // everything that is free
  EXPECT_EQ(m.Get("namespace0.0/size"), "268435456\n");
}

// One word less than "everything": what says nothing makes nothing.
TEST(Create, WhatSaysNothingMakesNothing) {
  Model m = Labelled();
  const std::string nul("\0", 1);
  for (const std::string& written :
       {std::string("\n"), std::string(" \t \n\n"), nul, "\n" + nul + nul,
        std::string("# size=64M\n"), std::string("\n  # all\n# of it\n")}) {
    EXPECT_EQ(m.Set("region0/x/create", written), "EINVAL") << written;
    EXPECT_NE(m.Get("region0/x/last_error"), "");
    EXPECT_EQ(m.Get("region0/available_size"), "268435456\n");
    EXPECT_EQ(m.Set("region0/x/destroy", written), "EINVAL") << written;
  }
  EXPECT_EQ(m.Set("region0/x/create", ",,\n"), "EINVAL");
  EXPECT_FALSE(m.Exists("namespace0.1"));
}

// The kernel's own files stop at a NUL and at a page; a command is taken whole or not at all.
TEST(Create, ACommandIsTakenWholeOrNotAtAll) {
  Model m = Labelled();
  const auto with_nul = [](std::string text) { return text + std::string("\0", 1); };
  EXPECT_EQ(m.Set("region0/x/create", with_nul("size=16M") + " mode=sector"), "EINVAL");
  EXPECT_EQ(m.Set("region0/x/create", with_nul("size=16M name=a") + "b\n"), "EINVAL");
  EXPECT_EQ(m.Set("region0/x/create", "size=16M" + std::string(4096, ' ') + "mode=sector"),
            "EINVAL");
  EXPECT_EQ(m.Get("region0/available_size"), "268435456\n");
  // As a C program writes it that counts the NUL.
  EXPECT_EQ(m.Set("region0/x/create", with_nul("size=16M\n")), "");
  EXPECT_EQ(m.Set("region0/x/destroy", with_nul("namespace0.0") + "1"), "EINVAL");
  EXPECT_EQ(m.Get("namespace0.0/size"), "16777216\n");
  EXPECT_EQ(m.Set("region0/x/destroy", with_nul("namespace0.0")), "");
}

TEST(Create, ANameInQuotesMayHaveBlanksAndCommas) {
  Model m = Labelled();
  EXPECT_EQ(m.Set("region0/x/create", "size=16M name=\"a, b\" mode=sector\n"), "");
  EXPECT_EQ(m.Get("namespace0.0/alt_name"), "a, b\n");
  EXPECT_EQ(m.Get("namespace0.0/mode"), "safe\n");
  EXPECT_EQ(m.Set("region0/x/create", "size=16M,name='\"size=1M\"'"), "");
  EXPECT_EQ(m.Get("namespace0.1/alt_name"), "\"size=1M\"\n");
  EXPECT_EQ(m.Set("region0/x/create", "size=16M name=\"open"), "EINVAL");
  EXPECT_EQ(m.Set("region0/x/create", "size=16M name=\"a\"b"), "EINVAL");
  EXPECT_FALSE(m.Exists("namespace0.2") && m.Get("namespace0.2/size") != "0\n");
  m.Restart();
  EXPECT_EQ(m.Get("namespace0.0/alt_name"), "a, b\n");
}

TEST(Create, OnABlankAreaTakesLabelsIntoUseFirst) {
  Model m;
  EXPECT_EQ(m.Set("region0/x/create", "size=64M mode=sector name=db\n"), "");
  EXPECT_EQ(m.Get("namespace0.0/mode"), "safe\n");
  m.Restart();
  EXPECT_EQ(m.Get("namespace0.0/alt_name"), "db\n");
}

TEST(Create, OnALabellessRegionChangesTheModeOfItsOneNamespace) {
  Model m({.size = 64 << 20, .label_size = 0});
  EXPECT_EQ(m.Set("region0/x/create", "size=32M\n"), "ENXIO");
  EXPECT_EQ(m.Set("region0/x/create", "mode=sector\n"), "");
  EXPECT_EQ(m.Get("namespace0.0/mode"), "safe\n");
}

TEST(RemovedDevice, AnswersEnodev) {
  Model m = Labelled();
  const auto ns = m.system->Find("namespace0.0");
  m.Unbind("nd_region", "region0");
  const Attribute& any = ns->attributes().front();
  EXPECT_EQ(ErrnoOf(m.system->Show(*ns, any).status()), ENODEV);
}

}  // namespace
}  // namespace nvdimmfs::core
