// SPDX-License-Identifier: Apache-2.0
// The folders in which this process makes and replaces files after its sources are open: a program
// that gives up access to files keeps it there.
//
// Thread rules: any thread.
#ifndef NVDIMMFS_BACKENDS_WRITTEN_LATER_H_
#define NVDIMMFS_BACKENDS_WRITTEN_LATER_H_

#include <string>
#include <vector>

namespace nvdimmfs::backends {

void AddFolderWrittenLater(const std::string& folder);

// Each once. Folders of closed sources are still in it.
std::vector<std::string> FoldersWrittenLater();

}  // namespace nvdimmfs::backends

#endif  // NVDIMMFS_BACKENDS_WRITTEN_LATER_H_
